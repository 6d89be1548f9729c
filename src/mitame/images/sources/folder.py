"""A folder with everything below it as a source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mitame.errors import UnreadableFile
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.files import absolute, file_candidate
from mitame.images.sources.names import folder_of, is_hidden, is_picture_name, shown, storable


class FolderSource:
    """The picture files of a folder and of all folders in it, sorted by path.

    Pictures are told by their extension; other files are passed over and counted in `skipped`,
    which is set at the end of each iteration.
    Names that start with a dot are passed over. Links are followed; each real folder is walked
    once, under its own name where it lies in the folder itself. An item's id is the path from
    the folder, with ``/``; nothing in it is normalised.

    Args:
        path: the folder.
        category_from_folder: an item's category is the name of the folder that directly holds
            the file, or None for files at the top.
        limits: `max_bytes` bounds what a candidate reads.

    Raises:
        UnreadableFile: there is no such folder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        category_from_folder: bool = False,
        limits: ImageLimits = DEFAULT_LIMITS,
    ) -> None:
        self._folder = absolute(path)
        self._real = os.path.realpath(self._folder)
        self._category_from_folder = category_from_folder
        self._limits = limits
        self.skipped = 0
        if not Path(self._folder).is_dir():
            raise UnreadableFile(f"{shown(self._folder)} is no folder")

    @property
    def root(self) -> str:
        """The folder's absolute path with a separator at the end."""
        return self._folder.rstrip(os.sep) + os.sep

    @property
    def countable(self) -> bool:
        """True: only names and sizes are looked at."""
        return True

    def __iter__(self) -> Iterator[Candidate | Refused]:
        skipped = 0
        walked = {_identity(self._folder)}
        pending = [iter(self._entries(""))]
        while pending:
            entry = next(pending[-1], None)
            if entry is None:
                pending.pop()
            elif isinstance(entry, Refused):
                yield entry
            elif entry.endswith("/"):
                if self._is_new(entry, walked):
                    pending.append(iter(self._entries(entry)))
            elif is_picture_name(entry):
                yield self._candidate(entry)
            else:
                skipped += 1
        self.skipped = skipped

    def _entries(self, inside: str) -> Sequence[str | Refused]:
        """Relative paths of what is in one folder, sorted; folders end in a slash."""
        path = self.root + inside
        try:
            with os.scandir(path) as found:
                names = [
                    inside + entry.name + ("/" if _is_folder(entry) else "")
                    for entry in found
                    if not is_hidden(entry.name)
                ]
        except OSError as error:
            reason = UnreadableFile(f"{shown(path)} can't be listed ({error.strerror})")
            return [Refused(storable(path), reason)]
        return sorted(names)

    def _is_new(self, inside: str, walked: set[tuple[int, int]]) -> bool:
        path = self.root + inside.rstrip("/")
        if Path(path).is_symlink() and self._has_own_name(os.path.realpath(path)):
            return False
        identity = _identity(path)
        if identity in walked:
            return False
        walked.add(identity)
        return True

    def _has_own_name(self, real: str) -> bool:
        """Whether the folder that a link leads to is walked where it lies."""
        prefix = self._real.rstrip(os.sep) + os.sep
        return real == self._real or (
            real.startswith(prefix) and not is_hidden(real[len(prefix) :])
        )

    def _candidate(self, name: str) -> Candidate | Refused:
        category = folder_of(name) if self._category_from_folder else None
        return file_candidate(self.root + name, name, self._limits, category=category)


def _identity(path: str) -> tuple[int, int]:
    """What tells a folder from all others; a folder that is gone by now is like itself only."""
    try:
        found = Path(path).stat()
    except OSError:
        return (-1, hash(path))
    return (found.st_dev, found.st_ino)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link that leads back to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
