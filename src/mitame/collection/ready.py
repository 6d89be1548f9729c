"""Changes checked before anything is touched, in the form in which they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.changes import (
    KEEP,
    Attach,
    Change,
    Expect,
    Keep,
    Patch,
    Put,
    Relocate,
    Remove,
)
from mitame.collection.item import ItemImage, check_attributes, check_category, check_id
from mitame.collection.lens import Lens
from mitame.distances import check_vector, normalise
from mitame.errors import SpecMismatch, UnknownLens, UsageError

MAX_IMAGES = 1_000
MAX_ATTRIBUTES = 262_144
"""Characters of an item's attributes as JSON."""
MAX_SOURCE = 8_192


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


@dataclass(frozen=True)
class ReadyAttach:
    """An attach whose every part has been checked; vectors by lens name, as they are stored."""

    id: str
    content_hash: str | None
    vectors: Mapping[str, NDArray[np.float32]]


Ready: TypeAlias = ReadyPut | ReadyPatch | ReadyAttach | Remove | Relocate | Expect


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
    if isinstance(change, Attach):
        return _ready_attach(change, lenses)
    if isinstance(change, Remove):
        return Remove(check_id(change.id))
    if isinstance(change, Expect):
        return Expect(check_id(change.id), change.one_of, change.none_of)
    raise UsageError(f"a {type(change).__name__} is no change", remedy="use Put or Remove")


def _ready_put(put: Put, lenses: Mapping[str, Lens]) -> ReadyPut:
    item = put.item
    item_id = check_id(item.id)
    _check_specs(item_id, put.fingerprints, lenses)
    if not 1 <= len(item.images) <= MAX_IMAGES:
        raise UsageError(
            f"item {item_id!r} has {len(item.images)} images", remedy=f"give it 1 to {MAX_IMAGES}"
        )
    return ReadyPut(
        item_id,
        check_category(item.category),
        _attributes(item.attributes),
        tuple(_image(image, item_id, lenses) for image in item.images),
        put.create_only,
    )


def _check_specs(item_id: str, fingerprints: Mapping[str, str], lenses: Mapping[str, Lens]) -> None:
    for name, fingerprint in fingerprints.items():
        if _lens(lenses, name).spec.fingerprint != fingerprint:
            raise SpecMismatch(f"item {item_id!r} has vectors of another spec for lens {name!r}")


def _ready_attach(change: Attach, lenses: Mapping[str, Lens]) -> ReadyAttach:
    item_id = check_id(change.id)
    _check_specs(item_id, change.fingerprints, lenses)
    if not change.vectors:
        raise UsageError(
            f"there is no vector to attach to item {item_id!r}",
            remedy="give one for at least one lens",
        )
    vectors = {name: _vector(v, _lens(lenses, name)) for name, v in change.vectors.items()}
    return ReadyAttach(item_id, _short(change.content_hash), vectors)


def _ready_patch(patch: Patch) -> ReadyPatch:
    return ReadyPatch(
        check_id(patch.id),
        KEEP if isinstance(patch.category, Keep) else check_category(patch.category),
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
