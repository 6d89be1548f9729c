"""What can be done to a collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.item import Attribute, Item
from mitame.collection.lens import Lens


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


@dataclass(frozen=True)
class Attach:
    """Give images that are there vectors of a lens, or other ones; all else stays as it is.

    Attributes:
        id: the item.
        content_hash: which of its images, all that have it; None only where it has one image.
        vectors: one float32[dimension] per lens name, at least one.
        fingerprints: as in `Put`.
    """

    id: str
    content_hash: str | None
    vectors: Mapping[str, NDArray[np.float32]]
    fingerprints: Mapping[str, str] = field(default_factory=dict)


ANY: Final = "*"
"""Stands for the tag of every item that is there."""


@dataclass(frozen=True)
class Expect:
    """Go on with the changes after it only where an item is as expected; changes nothing itself.

    It is looked at in the transaction of the changes, so of two who expect the same tag, in
    whichever processes, only one finds it. PreconditionFailed for the other.

    Attributes:
        id: the item; it need not be there.
        one_of: it must be there with one of these tags (see `View.tag`); None asks for nothing.
        none_of: it must not be there with one of these tags.
    """

    id: str
    one_of: frozenset[str] | None = None
    none_of: frozenset[str] = frozenset()


Change: TypeAlias = Put | Patch | Remove | Relocate | Attach | Expect
Made: TypeAlias = Callable[[Mapping[str, Lens]], Sequence[Change]]
"""Makes changes for a collection's lenses, which may become others before they are written."""
