"""Bodies about collections as a whole."""

from __future__ import annotations

from typing import Any

from mitame.wire.base import Body, Reply


class LensInfo(Reply):
    """A lens of a collection.

    Attributes:
        embedder: its name.
        dimension: floats of a vector.
        distance: cosine, euclidean or inner_product.
        index: the engine that answers, and its measured recall.
        neighbors: the neighbour table, and what it knows of itself; null before the first merge.
    """

    embedder: str
    dimension: int
    distance: str
    licence: str | None
    index: dict[str, Any]
    neighbors: dict[str, Any] | None = None


class CollectionInfo(Reply):
    """A collection.

    Attributes:
        items: how many.
        position: of the journal.
        generation: of the snapshot that answers; 0 for none.
        delta: changes that no snapshot has yet.
        bytes: on the disk.
        lenses: by name, the default one first.
    """

    name: str
    items: int
    position: int
    generation: int
    delta: int
    bytes: int
    lenses: dict[str, LensInfo]


class CollectionList(Reply):
    """Names of collections, sorted."""

    collections: list[str]


class NewCollection(Body):
    """How a collection is to be made.

    Attributes:
        lenses: names to embedders, as `mitame.open` takes them; the usual ones where left out.
        dim: of vectors of your own, for one lens called ``vectors``; instead of lenses.
        distance: of that lens.
    """

    lenses: dict[str, str] | None = None
    dim: int | None = None
    distance: str = "cosine"
