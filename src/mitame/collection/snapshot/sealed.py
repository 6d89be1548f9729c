"""JSON that carries its own checksum, and fields of it read under limits.

The first key is ``checksum``: the SHA-256, in hex, of all bytes that follow its value. So one
flipped byte anywhere is found, whatever wrote the spaces, and any JSON reader can read the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from mitame.errors import CorruptCollection, UsageError

_START = b'{"checksum": "'
_HEX = 64
_DIGEST = re.compile(r"[0-9a-f]{64}")
REMEDY = "check it with: mitame verify; an older generation is served with: mitame rollback"


def seal(content: Mapping[str, object]) -> bytes:
    """An object as JSON in UTF-8 that begins with its checksum.

    Raises:
        UsageError: it is empty, or has something that JSON can't hold.
    """
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"a manifest can't be written: {error}") from error
    if not content or "checksum" in content:
        raise UsageError("a manifest needs fields, and none of them is its checksum")
    rest = b'",' + text.removeprefix("{").encode() + b"\n"
    return _START + hashlib.sha256(rest).hexdigest().encode() + rest


def unseal(data: bytes, where: str) -> Fields:
    """The fields of what `seal` wrote.

    Args:
        data: the file.
        where: which file it is, for errors.

    Raises:
        CorruptCollection: a byte of it is not as it was written.
    """
    start, digest, rest = (
        data[: len(_START)],
        data[len(_START) :][:_HEX],
        data[len(_START) + _HEX :],
    )
    if start != _START or digest != hashlib.sha256(rest).hexdigest().encode():
        raise CorruptCollection(f"{where} does not fit its checksum", remedy=REMEDY)
    try:
        return Fields(json.loads(data, parse_constant=_refused), where)
    except (ValueError, RecursionError) as error:
        raise CorruptCollection(f"{where} is no JSON", remedy=REMEDY) from error


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


class Fields:
    """A JSON object whose fields are checked as they are read; CorruptCollection where wrong."""

    def __init__(self, content: object, where: str) -> None:
        self._where = where
        if not isinstance(content, dict):
            raise self.wrong("it is no object")
        self._content: dict[str, Any] = content

    def wrong(self, what: str) -> CorruptCollection:
        """The error that says so, naming the file."""
        return CorruptCollection(f"{self._where}: {what}", remedy=REMEDY)

    def integer(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        return self._integer(name, self._content.get(name), least, most)

    def integers(self, name: str, longest: int, most: int) -> tuple[int, ...]:
        """At most `longest` whole numbers from 0 to `most`."""
        return tuple(self._integer(name, v, 0, most) for v in self._list(name, longest))

    def text(self, name: str, longest: int) -> str:
        """A string of at most `longest` characters."""
        value = self._content.get(name)
        if not isinstance(value, str) or len(value) > longest:
            raise self.wrong(f"{name!r} is no text of up to {longest} characters")
        return value

    def texts(self, name: str, longest: int, most: int) -> tuple[str, ...]:
        """At most `most` strings of at most `longest` characters."""
        values = self._list(name, most)
        if not all(isinstance(value, str) and len(value) <= longest for value in values):
            raise self.wrong(f"{name!r} are no texts of up to {longest} characters")
        return tuple(values)

    def digest(self, name: str) -> str:
        """A SHA-256 in hex."""
        value = self.text(name, _HEX)
        if not _DIGEST.fullmatch(value):
            raise self.wrong(f"{name!r} is no SHA-256")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where it is missing."""
        value = self._content.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{name!r} is neither true nor false")
        return value

    def inner(self, name: str) -> Fields:
        """An object within."""
        return Fields(self._content.get(name), f"{self._where}: {name}")

    def entries(self, name: str, most: int) -> list[Fields]:
        """At most `most` objects within."""
        return [Fields(value, f"{self._where}: {name}") for value in self._list(name, most)]

    def json(self) -> str:
        """The whole object as JSON."""
        return json.dumps(self._content)

    def _list(self, name: str, most: int) -> list[Any]:
        values = self._content.get(name)
        if not isinstance(values, list) or len(values) > most:
            raise self.wrong(f"{name!r} is no list of up to {most} entries")
        return values

    def _integer(self, name: str, value: object, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(f"{name!r} is no whole number from {least} to {most}")
        return value
