"""An item and its images, as a collection keeps them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.errors import InvalidId, UsageError

Scalar: TypeAlias = str | int | float | bool | None
Attribute: TypeAlias = Scalar | list[str]
MAX_ID_LENGTH = 1_000
MAX_CATEGORY_LENGTH = 1_000
_WIDEST_INTEGER = 1_023
"""Bits of an integer that still compares with a float, as filters do."""


@dataclass(frozen=True)
class ItemImage:
    """One image of an item, or a bare vector when `content_hash` and `source` are None.

    Attributes:
        vectors: one float32[dimension] per lens name.
        content_hash: SHA-256 of the file's bytes, hex.
        source: where it came from: absolute path, ``archive.zip!member``, or URL.
        size: bytes of the file.
        modified_ns: modification time of the file, nanoseconds since 1970.
        width, height: pixels, after EXIF orientation.
        format: ``JPEG``, ``PNG``, ...
    """

    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    content_hash: str | None = None
    source: str | None = None
    size: int | None = None
    modified_ns: int | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None


@dataclass(frozen=True)
class Item:
    """What the user lists.

    Attributes:
        id: any string of 1 to 1,000 characters without control characters.
        category: one word or phrase without control characters, or None.
        attributes: names to strings, numbers, booleans, None or lists of strings.
        images: at least one, in the user's order.
    """

    id: str
    category: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    images: tuple[ItemImage, ...] = ()


def check_id(value: object) -> str:
    """The id in the form it is stored: integers become their decimal digits, nothing else changes.

    Raises:
        InvalidId: not a string or integer, empty, too long, or with control characters.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value.bit_length() > _WIDEST_INTEGER:
            raise InvalidId("an item's id is an integer of hundreds of digits")
        return str(value)
    if not isinstance(value, str):
        raise InvalidId(f"an item's id must be a string or an integer, not {type(value).__name__}")
    if not 1 <= len(value) <= MAX_ID_LENGTH:
        raise InvalidId(f"an item's id has {len(value)} characters")
    if not _is_plain(value):
        raise InvalidId(f"the item's id {value[:80]!r} has control characters or half a character")
    return value


def check_category(value: object) -> str | None:
    """The category itself.

    Raises:
        UsageError: neither None nor a string of 1 to 1,000 characters without control characters.
    """
    if value is None:
        return None
    is_phrase = isinstance(value, str) and 1 <= len(value) <= MAX_CATEGORY_LENGTH
    if not is_phrase or not _is_plain(str(value)):
        raise UsageError(
            f"{ascii(value)[:80]} can't be a category",
            remedy="use 1 to 1,000 characters without control characters, or None",
        )
    return str(value)


def _is_plain(text: str) -> bool:
    """No control characters, which a terminal may obey, and no half characters (surrogates)."""
    if text.isprintable():  # nearly always, and a hundredth of the time of looking at each
        return True
    return not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)


def check_attributes(value: object) -> dict[str, Attribute]:
    """The attributes as a plain dict.

    Raises:
        UsageError: not a mapping from strings to strings, finite numbers, booleans, None or
            lists of strings; or more than 1,000 of them.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > 1_000:
        raise UsageError(
            "attributes must be a mapping of at most 1,000 names", remedy="give a dict"
        )
    return {_name(key): _attribute(key, entry) for key, entry in value.items()}


def _name(key: object) -> str:
    if not isinstance(key, str) or not 1 <= len(key) <= 200 or not _is_plain(key):
        raise UsageError(
            f"{ascii(key)[:80]} can't be the name of an attribute",
            remedy="use 1 to 200 characters without control characters",
        )
    return key


def _attribute(key: object, value: object) -> Attribute:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() <= _WIDEST_INTEGER:
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    if isinstance(value, str) and _is_whole(value):
        return value
    if isinstance(value, list | tuple) and all(
        isinstance(part, str) and _is_whole(part) for part in value
    ):
        return list(value)
    raise UsageError(
        f"attribute {key!r} has a value that can't be kept: {_excerpt(value)}",
        remedy="use a string, a finite number, true, false, null or a list of strings",
    )


def _is_whole(text: str) -> bool:
    """No half characters; line ends and tabs may stand in a value."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _excerpt(value: object) -> str:
    try:
        return ascii(value)[:80]
    except ValueError:  # the digits of an integer are more than Python writes
        return "an integer of thousands of digits"
