"""A zip or tar file as a source; nothing is ever unpacked to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mitame.errors import DamagedArchive, MitameError
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.files import absolute, open_regular, regular
from mitame.images.sources.names import shown
from mitame.images.sources.tarred import tar_members
from mitame.images.sources.zipped import zip_members

ARCHIVE_SUFFIXES = (
    *(".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz"),
    *(".tar.gz", ".tar.bz2", ".tar.xz"),
)
_COMPRESSIONS = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))


class ArchiveSource:
    """The picture files of a zip or tar archive, in one order always.

    The members of a zip are sorted by name; a tar is walked as it was written. An item's id is
    the member's name. Of a zip and of an uncompressed tar no picture is held in memory; a
    compressed tar can be read in its own order only, so each of its candidates holds its bytes
    (never more than `max_bytes`) until it is let go.

    Members that are encrypted, links or devices, have an absolute name or ``..`` in it, or are
    over a limit are refused. An archive that unpacks to far more than its own size ends there.

    Args:
        path: the archive; its content says which kind it is.
        category_from_folder: an item's category is the name of the folder in the archive that
            directly holds the member.
        limits: bytes of a member, number of members, bytes of all.

    Raises:
        UnreadableFile: missing, or not a regular file.
        DamagedArchive: while iterating, when it can't be opened.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        category_from_folder: bool = False,
        limits: ImageLimits = DEFAULT_LIMITS,
    ) -> None:
        self._path = absolute(path)
        self._category_from_folder = category_from_folder
        self._limits = limits
        regular(self._path)

    @property
    def root(self) -> str:
        """The archive's path and an exclamation mark: every member's location starts so."""
        return f"{self._path}!"

    @property
    def countable(self) -> bool:
        """True unless it is a compressed tar, whose members come out only one after the other."""
        try:
            return self._kind() in ("zip", "")
        except MitameError:
            return False

    def __iter__(self) -> Iterator[Candidate | Refused]:
        kind = self._kind()
        categories = self._category_from_folder
        if kind == "zip":
            yield from zip_members(self._path, self._limits, categories=categories)
        else:
            yield from tar_members(self._path, self._limits, kind, categories=categories)

    def _kind(self) -> str:
        """``zip``, or a tar's compression, empty for none."""
        with open_regular(self._path) as file:
            start = file.read(512)
        if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return "zip"
        for magic, name in _COMPRESSIONS:
            if start.startswith(magic):
                return name
        if start[257:262] == b"ustar" or Path(self._path).suffix.lower() == ".tar":
            return ""
        raise DamagedArchive(f"{shown(self._path)} is neither a zip nor a tar archive")
