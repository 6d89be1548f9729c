"""Names of files and members: which are pictures, and which can be an item's id."""

from __future__ import annotations

import os
import unicodedata
from pathlib import PurePosixPath

from mitame.errors import InvalidId

PICTURE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib"),
        *(".tif", ".tiff", ".avif", ".heic", ".heif"),
    }
)
_LONGEST_ID = 1_000  # as for any item's id
# control characters, those that turn the direction of text, and ends of lines
_STEERING = frozenset({"Cc", "Cf", "Zl", "Zp"})


def is_picture_name(name: str) -> bool:
    """Whether the extension is that of a picture; upper and lower case alike."""
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    return bool(stem) and (dot + extension).lower() in PICTURE_SUFFIXES


def is_hidden(name: str) -> bool:
    """Whether any part of a relative path starts with a dot, or is macOS's folder of leftovers."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def check_name(name: str) -> str:
    """The name, if it can be an item's id.

    Raises:
        InvalidId: empty, longer than 1,000 characters, control characters, or not valid text.
    """
    if not 1 <= len(name) <= _LONGEST_ID:
        raise InvalidId(f"the name has {len(name)} characters")
    if name.isprintable():  # nearly always, and a hundredth of the time of looking at each
        return name
    kinds = {unicodedata.category(character) for character in name}
    if "Cs" in kinds:
        raise InvalidId("the name is not valid UTF-8", remedy="rename the file")
    if "Cc" in kinds:
        raise InvalidId("the name has control characters", remedy="rename the file")
    return name


def storable(path: str) -> str:
    """A path that can be stored: bytes that are no text are written as ``\\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def shown(path: str) -> str:
    """A path for a message: as storable, and nothing in it can steer a terminal."""
    return "".join(_escaped(character) for character in storable(path))


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _STEERING:
        return character.encode("unicode_escape").decode()
    return character


def folder_of(name: str) -> str | None:
    """Name of the folder that directly holds a relative path; None at the top."""
    return PurePosixPath(name).parent.name or None
