"""What the system's errors mean: each becomes one of ours, naming the file and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mitame.errors import CorruptCollection, MitameError, StorageError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_REMEDIES = {
    errno.EEXIST: "remove it, or use another name",
    errno.ENOSPC: "free some space or choose another --data directory",
    errno.EDQUOT: "free some of your quota or choose another --data directory",
    errno.EFBIG: "raise the limit on file sizes or choose another --data directory",
    errno.EROFS: "make the disk writable or choose another --data directory",
    errno.EACCES: "check the permissions of the file and of its folder",
    errno.EPERM: "check the permissions of the file and of its folder",
    errno.ENAMETOOLONG: "choose a --data directory with a shorter path",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "close other programs: the system has too many open files",
    errno.ENOLCK: "choose a --data directory on a local disk: this one can't lock files",
    errno.EIO: "check the disk: it reports an error",
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns the system's errors about a path into ours."""
    try:
        yield
    except OSError as error:
        raise typed(error, path) from error


def typed(error: OSError, path: Path) -> MitameError:
    """CorruptCollection for what is missing or of the wrong kind, StorageError for the rest."""
    if error.errno == errno.ENOENT:
        return CorruptCollection(f"{path} is missing")
    if error.errno == errno.ENOTDIR:
        return CorruptCollection(f"{path} is a file where a folder should be")
    if error.errno == errno.EISDIR:
        return CorruptCollection(f"{path} is a folder where a file should be")
    if error.errno == errno.ELOOP:
        return CorruptCollection(f"{path} is a link or a device where a file should be")
    text = f"{path}: {error.strerror or error}"
    return StorageError(text, remedy=_REMEDIES.get(error.errno or 0))
