"""Drop a collection with all that is in it."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from mitame.collection import collection_path
from mitame.collection.paths import DATABASE, LOG, ROOT, SNAPSHOTS
from mitame.errors import CollectionNotFound, StorageError

_PARTS = (DATABASE, ROOT, LOG, SNAPSHOTS)


def drop_collection(data: Path, name: str) -> None:
    """Remove a collection, a damaged one, too. The pictures that were indexed stay.

    It loses its name first, so that it is gone as a whole even when the rest is interrupted.

    Raises:
        UsageError: no name of a collection.
        CollectionNotFound: there is none of this name, or something that is no collection.
        StorageError: the disk does not let us.
    """
    path = collection_path(data, name)
    if not is_remains(path) and not (path / DATABASE).is_file():
        raise CollectionNotFound(
            f"no collection at {path}", remedy="list them: mitame status --all"
        )
    doomed = path.with_name(f".dropped-{secrets.token_hex(8)}")
    try:
        path.rename(doomed)
        if doomed.is_symlink():
            doomed.unlink()
        else:
            shutil.rmtree(doomed)
    except OSError as error:
        raise StorageError(
            f"{path} can't be removed ({error.strerror or error})",
            remedy="check the permissions of the data directory",
        ) from error


def is_remains(path: Path) -> bool:
    """Whether a directory holds parts of a collection, but not the database."""
    return not (path / DATABASE).is_file() and any((path / part).exists() for part in _PARTS)
