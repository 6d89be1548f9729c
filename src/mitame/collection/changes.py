"""What can be done to a collection, checked before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.item import Attribute, Item, ItemImage, check_attributes, check_id
from mitame.collection.lens import Lens
from mitame.distances import check_vector, normalise
from mitame.errors import SpecMismatch, UnknownLens, UsageError

MAX_CATEGORY = 1_000
MAX_IMAGES = 1_000
MAX_ATTRIBUTES = 262_144
"""Characters of an item's attributes as JSON."""
MAX_SOURCE = 8_192


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""Leave it as it is, as None already means no category."""


@dataclass(frozen=True)
class Put:
    """Add an item, or replace it whole.

    Attributes:
        item: each image with a vector for at least one lens; cosine vectors are normalised.
        create_only: raise ItemExists instead of replacing.
        fingerprints: by lens name, of the spec that made the vectors; SpecMismatch where it is
            not the lens's own. Vectors of a lens that is left out are taken on trust.
    """

    item: Item
    create_only: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Patch:
    """Change an item's category, or its attributes as a whole, and leave its images."""

    id: str
    category: str | Keep | None = KEEP
    attributes: Mapping[str, Attribute] | Keep = KEEP


@dataclass(frozen=True)
class Remove:
    """Remove an item with its images; ItemNotFound where there is none."""

    id: str


@dataclass(frozen=True)
class Relocate:
    """Note that the same picture has moved or was touched; its vectors stay.

    Attributes:
        id: the item now.
        new_id: the item from now on; may be the same. ItemExists where it is another item's.
        source, size, modified_ns: the picture's, as in `ItemImage`.
        content_hash: which of the item's images; may be left out where it has only one.
    """

    id: str
    new_id: str
    source: str
    size: int | None = None
    modified_ns: int | None = None
    content_hash: str | None = None


Change: TypeAlias = Put | Patch | Remove | Relocate


@dataclass(frozen=True)
class ReadyImage:
    """An image as rows of the database, and its vectors by lens name, as they are stored."""

    row: tuple[str | bytes | int | None, ...]
    vectors: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ReadyPut:
    """A put whose every part has been checked."""

    id: str
    category: str | None
    attributes: str
    images: tuple[ReadyImage, ...]
    create_only: bool


@dataclass(frozen=True)
class ReadyPatch:
    """A patch whose every part has been checked; attributes as JSON."""

    id: str
    category: str | Keep | None
    attributes: str | Keep


Ready: TypeAlias = ReadyPut | ReadyPatch | Remove | Relocate


def ready(change: Change, lenses: Mapping[str, Lens]) -> Ready:
    """The change as it can be written.

    Raises:
        InvalidId, InvalidVector, UnknownLens, SpecMismatch, UsageError: it can't be.
    """
    if isinstance(change, Put):
        return _ready_put(change, lenses)
    if isinstance(change, Patch):
        return _ready_patch(change)
    if isinstance(change, Relocate):
        return _ready_relocate(change)
    if isinstance(change, Remove):
        return Remove(check_id(change.id))
    raise UsageError(f"a {type(change).__name__} is no change", remedy="use Put or Remove")


def _ready_put(put: Put, lenses: Mapping[str, Lens]) -> ReadyPut:
    item = put.item
    item_id = check_id(item.id)
    for name, fingerprint in put.fingerprints.items():
        if _lens(lenses, name).spec.fingerprint != fingerprint:
            raise SpecMismatch(f"item {item_id!r} has vectors of another spec for lens {name!r}")
    if not 1 <= len(item.images) <= MAX_IMAGES:
        raise UsageError(
            f"item {item_id!r} has {len(item.images)} images", remedy=f"give it 1 to {MAX_IMAGES}"
        )
    return ReadyPut(
        item_id,
        _category(item.category),
        _attributes(item.attributes),
        tuple(_image(image, item_id, lenses) for image in item.images),
        put.create_only,
    )


def _ready_patch(patch: Patch) -> ReadyPatch:
    return ReadyPatch(
        check_id(patch.id),
        KEEP if isinstance(patch.category, Keep) else _category(patch.category),
        KEEP if isinstance(patch.attributes, Keep) else _attributes(patch.attributes),
    )


def _ready_relocate(change: Relocate) -> Relocate:
    _source(change.source)
    for value in (change.size, change.modified_ns):
        _integer(value)
    return Relocate(
        check_id(change.id),
        check_id(change.new_id),
        change.source,
        change.size,
        change.modified_ns,
        _short(change.content_hash),
    )


def _lens(lenses: Mapping[str, Lens], name: str) -> Lens:
    if name not in lenses:
        raise UnknownLens(f"the collection has no lens {name!r}")
    return lenses[name]


def _image(image: ItemImage, item_id: str, lenses: Mapping[str, Lens]) -> ReadyImage:
    if not image.vectors:
        raise UsageError(
            f"an image of item {item_id!r} has no vector", remedy="give one for at least one lens"
        )
    vectors = {name: _vector(v, _lens(lenses, name)) for name, v in image.vectors.items()}
    numbers = map(_integer, (image.size, image.modified_ns, image.width, image.height))
    row = (_short(image.content_hash), _source(image.source), *numbers, _short(image.format))
    return ReadyImage(row, vectors)


def _vector(value: NDArray[np.float32], lens: Lens) -> NDArray[np.float32]:
    vector = check_vector(value, lens.spec.dimension)
    return normalise(vector[np.newaxis])[0] if lens.spec.distance == "cosine" else vector


def _category(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_CATEGORY or not is_text(value):
        raise UsageError(
            f"{str(value)[:80]!r} can't be a category",
            remedy=f"use 1 to {MAX_CATEGORY} characters, or None",
        )
    return value


def _attributes(value: object) -> str:
    try:
        text = json.dumps(check_attributes(value), separators=(",", ":"))
    except ValueError as error:  # an integer of thousands of digits
        raise UsageError("an attribute's number is too long", remedy="use a string") from error
    if len(text) > MAX_ATTRIBUTES:
        raise UsageError(
            f"an item's attributes have {len(text)} characters as JSON",
            remedy=f"keep them under {MAX_ATTRIBUTES}",
        )
    return text


def _source(value: str | None) -> bytes | None:
    if value is not None and not 1 <= len(value) <= MAX_SOURCE:
        raise UsageError(
            f"an image's source has {len(value)} characters", remedy=f"use 1 to {MAX_SOURCE}"
        )
    return None if value is None else encode_source(value)


def encode_source(value: str) -> bytes:
    """A source as it is stored: names of files that are not UTF-8 keep their odd bytes."""
    return value.encode("utf-8", "surrogatepass")


def decode_source(value: bytes | None) -> str | None:
    """The source that `encode_source` stored."""
    return None if value is None else value.decode("utf-8", "surrogatepass")


def _short(value: str | None) -> str | None:
    if value is not None and (not 1 <= len(value) <= 200 or not is_text(value)):
        raise UsageError(f"{value[:80]!r} can't be a hash or format", remedy="use 1 to 200 letters")
    return value


def _integer(value: int | None) -> int | None:
    if value is not None and not -(2**63) <= value < 2**63:
        raise UsageError(f"{value} does not fit 64 bits", remedy="leave it out")
    return value


def is_text(value: str) -> bool:
    """Whether it has no half characters, which SQLite's text can't hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
