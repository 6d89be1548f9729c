"""Bodies of several parts (multipart/form-data, RFC 7578), read from bytes within limits."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mitame.errors import InvalidBody, MalformedBody

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MULTIPART = "multipart/form-data"
MAX_PARTS = 1_100
_MAX_HEADERS = 16
_MAX_HEADER = 8_192
# What is wrong with a form is said in the answer: nobody's garbage shall fill the log.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
logging.getLogger("python_multipart.multipart").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Part:
    """One part of a form.

    Attributes:
        name: of the field.
        media: content type in small letters, without parameters; empty where there is none.
        data: its bytes.
    """

    name: str
    media: str
    data: bytes


def parts_of(data: bytes, content_type: str) -> list[Part]:
    """The parts of a form. It blocks for as long as the body is large: call it on a thread.

    Args:
        data: the whole body.
        content_type: the header, with the boundary.

    Raises:
        MalformedBody: it is no such form, is cut off, or has more than 1,100 parts.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 200:
        raise MalformedBody("the content type multipart/form-data has no boundary")
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(data)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError) as error:
        raise MalformedBody(f"the form can't be read: {error}"[:200]) from None
    if not reader.ended:
        raise MalformedBody("the form is cut off")
    return reader.parts


def only(parts: list[Part], name: str) -> Part | None:
    """The part of this name; None where there is none.

    Raises:
        InvalidBody: there are several.
    """
    found = [part for part in parts if part.name == name]
    if len(found) > 1:
        raise InvalidBody(f"the form has {len(found)} parts {name!r}", remedy="give one")
    return found[0] if found else None


def check_names(parts: list[Part], *known: str) -> None:
    """Pass where all parts have known names.

    Raises:
        InvalidBody: one that hasn't, by name.
    """
    for part in parts:
        if part.name not in known:
            raise InvalidBody(
                f"the form has a part {part.name[:80]!r}", remedy=f"give {' and '.join(known)}"
            )


@dataclass
class _Reader:
    """Collects what the parser tells."""

    parts: list[Part] = field(default_factory=list)
    ended: bool = False
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _data: list[bytes] = field(default_factory=list)

    def callbacks(self) -> MultipartCallbacks:
        """By the names that the parser knows."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._add(self._value, data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._data.append(data[start:end]),
            "on_part_end": self._part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise FormParserError(f"it has more than {MAX_PARTS} parts")
        self._headers, self._data = {}, []

    def _add(self, to: bytearray, data: bytes) -> None:
        if len(to) + len(data) > _MAX_HEADER:
            raise FormParserError("a part's header is too long")
        to += data

    def _header(self) -> None:
        if len(self._headers) >= _MAX_HEADERS:
            raise FormParserError("a part has too many headers")
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _part(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise FormParserError("a part has no name")
        media = self._headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        name = options[b"name"].decode()
        self.parts.append(Part(name, media.decode("latin-1"), b"".join(self._data)))

    def _end(self) -> None:
        self.ended = True
