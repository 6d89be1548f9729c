"""What holds for every member of an archive, zip or tar."""

from __future__ import annotations

from dataclasses import dataclass

from mitame.errors import DamagedArchive, ImageTooLarge, MitameError
from mitame.images.candidate import Refused
from mitame.images.limits import ImageLimits
from mitame.images.sources.names import (
    check_name,
    folder_of,
    is_hidden,
    is_picture_name,
    shown,
    storable,
)


@dataclass(frozen=True)
class Archive:
    """The archive that members are taken from.

    Attributes:
        path: absolute.
        limits: of members and of all.
        categories: whether a member's folder is its item's category.
        size: bytes of the archive's file.
        modified_ns: of the archive's file; its members get it too, since what a member says of
            itself is in no time zone and stays the same when the archive is written anew.
    """

    path: str
    limits: ImageLimits
    categories: bool
    size: int
    modified_ns: int

    def location(self, name: str) -> str:
        """Where a member is."""
        return f"{self.path}!{name}"

    def refused(self, name: str, error: MitameError) -> Refused:
        """A member that is not on offer."""
        return Refused(storable(self.location(name)), error)

    def category(self, name: str) -> str | None:
        """What the archive says of a member's item."""
        return folder_of(name) if self.categories else None

    def check_count(self, count: int) -> None:
        """Refuse an archive of so many members.

        Raises:
            DamagedArchive: more than `limits.max_members`.
        """
        if count > self.limits.max_members:
            raise DamagedArchive(
                f"{shown(self.path)} has more than {self.limits.max_members:,} members",
                remedy="split it",
            )

    def check_total(self, unpacked: int) -> None:
        """Refuse an archive whose members come to so many bytes.

        Raises:
            DamagedArchive: more than `limits.unpacked` allows for its size.
        """
        if unpacked > self.limits.unpacked(self.size):
            raise DamagedArchive(
                f"{shown(self.path)} of {self.size:,} bytes unpacks to more than {unpacked:,}",
                remedy="unpack it yourself if you trust it, and index the folder",
            )


def is_offered(name: str) -> bool:
    """Whether a member is a picture by its name, and not hidden."""
    parts = name.replace("\\", "/").removeprefix("./")
    return (
        not parts.endswith("/")
        and is_picture_name(parts)
        and not is_hidden(parts.replace("../", ""))
    )


def member_name(name: str) -> str:
    """The member's name as an id, without ``./`` in front.

    Raises:
        DamagedArchive: absolute, with a drive letter, with ``..`` or with a backslash.
        InvalidId: nothing that can be an id.
    """
    plain = name.removeprefix("./")
    parts = plain.split("/")
    drive = len(plain) > 1 and plain[1] == ":"
    if plain.startswith("/") or ".." in parts or "\\" in plain or drive:
        raise DamagedArchive(
            f"the member {plain[:200]!r} has a name that leads out of the archive",
            remedy="pack the archive again with relative names",
        )
    return check_name(plain)


def check_size(size: int, limits: ImageLimits) -> None:
    """Refuse a member of so many bytes.

    Raises:
        ImageTooLarge: more than `limits.max_bytes`.
        DamagedArchive: less than none.
    """
    if size < 0:
        raise DamagedArchive("the member has a negative size")
    if size > limits.max_bytes:
        raise ImageTooLarge(f"it has {size:,} bytes, more than {limits.max_bytes:,}")
