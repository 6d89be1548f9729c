"""Index files of annoy (annoylib.h of 1.17): arrays of nodes, of which the first are the items.

A node is ``n_descendants`` (int32), what its metric needs, and ``dim`` numbers. An item that was
added has ``n_descendants`` 1, one that was left out 0; roots have the number of items, and the
file ends with a copy of each root. The file tells neither dimension, nor metric, nor whether its
numbers are float32 (annoy's own) or float64 (others' builds of it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from mitame.errors import InvalidFile, UsageError
from mitame.exchange.binary import BinaryFile
from mitame.exchange.row import (
    DISTANCE_OF,
    Block,
    ItemType,
    Metric,
    Row,
    Rows,
    narrowed,
    rows_per_block,
)

_SAMPLE = 1_000
"""Nodes that are looked at from either end of the items, and from either end of the rest."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of a node lie, in bytes.

    Attributes:
        metric: of the file.
        item_type: of the numbers.
        vector: where they begin, and the node's head ends.
        size: of a node.
        zeros: where two int32 are that items leave at zero; None for angular ones.
        length: where angular items have their squared length, and those of dot what lies between
            theirs and the longest one's, square rooted; None for the others.
    """

    metric: Metric
    item_type: ItemType
    vector: int
    size: int
    zeros: int | None
    length: int | None

    @property
    def dtype(self) -> str:
        """Of the numbers."""
        return "<f4" if self.item_type == "float32" else "<f8"


# Head, zeros and length as in Layout. The compiler puts a float64 on a multiple of eight, hence
# the gaps.
_HEADS: Mapping[tuple[Metric, ItemType], tuple[int, int | None, int | None]] = {
    ("angular", "float32"): (12, None, 4),
    ("angular", "float64"): (16, None, 8),
    ("euclidean", "float32"): (16, 8, None),
    ("euclidean", "float64"): (24, 16, None),
    ("manhattan", "float32"): (16, 8, None),
    ("manhattan", "float64"): (24, 16, None),
    ("dot", "float32"): (16, 4, 12),
    ("dot", "float64"): (24, 4, 16),
}
_PACKED = (12, None, 4)
"""Head of angular nodes of float64 where the compiler was told to leave no gap, as annoy of 2017
did: the files that gannoy's converter took."""


def read_annoy(
    path: Path, *, dimension: int, metric: Metric, item_type: ItemType | None = None
) -> Rows:
    """The items of an annoy index, by their numbers.

    A wrong dimension, metric or type is found out by what items have in their heads, save that
    euclidean and manhattan files look alike. Angular files of annoy's first years, whose items
    do not have their length, are only read where `item_type` is given; then less is found out.

    Args:
        path: the index file.
        dimension: of its vectors.
        metric: that it was built for.
        item_type: of its numbers; told from the nodes where left out.

    Raises:
        UnreadableFile: it can't be opened.
        InvalidFile: its nodes can't be such, or could be both float32 and float64.
    """
    types = (item_type,) if item_type else get_args(ItemType)
    with BinaryFile(path) as file:
        fitting = [
            (layout, items)
            for layout in _layouts(dimension, metric, types)
            if (items := _items(file, layout, told=item_type is not None)) is not None
        ]
        if not fitting:
            raise InvalidFile(
                f"{path.name} is no annoy index of {dimension} dimensions and metric {metric} "
                f"in {' or '.join(types)}",
                remedy="check --dim and --metric; the file itself does not tell them",
            )
    if len(fitting) > 1:
        raise InvalidFile(
            f"{path.name} could hold float32 or float64", remedy="say which with --item-type"
        )
    ((layout, items),) = fitting
    return Rows(
        path.name,
        "annoy",
        partial(_blocks, path, layout, items),
        dimension=dimension,
        distance=DISTANCE_OF.get(metric),
        total=items,
        unique=True,
    )


def _layouts(dimension: int, metric: Metric, types: Sequence[ItemType]) -> list[Layout]:
    found = [layout_of(dimension, metric, each) for each in types]
    if metric == "angular" and "float64" in types:
        head, zeros, length = _PACKED
        found.append(Layout(metric, "float64", head, head + 8 * dimension, zeros, length))
    return found


def layout_of(dimension: int, metric: Metric, item_type: ItemType) -> Layout:
    """The layout of a node.

    Raises:
        UsageError: a dimension, metric or type that there is not.
    """
    if dimension < 1 or (metric, item_type) not in _HEADS:
        raise UsageError(
            f"no annoy index has {dimension} dimensions, metric {metric!r} and {item_type!r}",
            remedy="metrics are angular, euclidean, manhattan and dot",
        )
    head, zeros, length = _HEADS[metric, item_type]
    width = 4 if item_type == "float32" else 8
    return Layout(metric, item_type, head, head + width * dimension, zeros, length)


def _items(file: BinaryFile, layout: Layout, *, told: bool) -> int | None:
    """How many items the file has if its nodes are laid out so; None where they can't be."""
    nodes, rest = divmod(file.size, layout.size)
    if rest or nodes < 3:  # an item, a root and its copy
        return None
    items = int(_counts(_nodes(file, layout, nodes - 1, 1))[0])
    if not 1 <= items <= nodes - 2:
        return None
    own = all(_like_items(each, layout, told=told) for each in _ends(file, layout, 0, items))
    inner = all(_like_splits(each, items) for each in _ends(file, layout, items, nodes))
    copied = int(_counts(_nodes(file, layout, nodes - 2, 1))[0]) == items
    return items if own and inner and copied else None


def _ends(file: BinaryFile, layout: Layout, start: int, stop: int) -> Iterator[NDArray[np.uint8]]:
    """Nodes from either end of a range."""
    few = min(_SAMPLE, stop - start, rows_per_block(layout.size))
    yield _nodes(file, layout, start, few)
    yield _nodes(file, layout, stop - few, few)


def _nodes(file: BinaryFile, layout: Layout, start: int, count: int) -> NDArray[np.uint8]:
    """uint8[count, layout.size]."""
    data = file.at(start * layout.size, count * layout.size)
    return np.frombuffer(data, np.uint8).reshape(count, layout.size)


def _field(
    nodes: NDArray[np.uint8], offset: int, dtype: str, count: int = 1
) -> NDArray[np.generic]:
    """A field of each node as dtype[nodes, count]."""
    width = np.dtype(dtype).itemsize * count
    part: NDArray[np.generic] = np.ascontiguousarray(nodes[:, offset : offset + width]).view(dtype)
    return part


def _counts(nodes: NDArray[np.uint8]) -> NDArray[np.generic]:
    """Each node's n_descendants."""
    return _field(nodes, 0, "<i4")[:, 0]


def _vectors(nodes: NDArray[np.uint8], layout: Layout) -> NDArray[np.generic]:
    width = np.dtype(layout.dtype).itemsize
    return _field(nodes, layout.vector, layout.dtype, (layout.size - layout.vector) // width)


def _like_items(nodes: NDArray[np.uint8], layout: Layout, *, told: bool) -> bool:
    counts = _counts(nodes)
    if not np.isin(counts, (0, 1)).all() or nodes[counts == 0, layout.vector :].any():
        return False
    if layout.zeros is not None and _field(nodes, layout.zeros, "<i4", 2).any():
        return False
    added = nodes[counts == 1]
    if not len(added):
        return True
    if not _numbers_fit(_vectors(added, layout)):
        return False
    return layout.length is None or _lengths_fit(added, layout, layout.length, told=told)


def _numbers_fit(vectors: NDArray[np.generic]) -> bool:
    """Whether nearly all are below 1e20; of halves of float64 read as float32, a quarter is not.

    Small numbers tell nothing: probabilities come near 1e-38.
    """
    with np.errstate(all="ignore"):
        small = np.abs(vectors.astype(np.float64)) < 1e20  # false for NaN, too
    return bool(small.mean() > 0.95)


def _lengths_fit(nodes: NDArray[np.uint8], layout: Layout, offset: int, *, told: bool) -> bool:
    """Whether the lengths in the items' heads are those of their vectors."""
    heads = _field(nodes, offset, layout.dtype)[:, 0].astype(np.float64)
    vectors = _vectors(nodes, layout).astype(np.float64)
    if layout.metric == "angular" and told and not heads.any():
        # No lengths at all. Of a file of another metric, the first number would be zero, too.
        return bool(vectors[:, 0].any())
    with np.errstate(all="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors)
        if layout.metric == "dot":
            heads = heads**2 + squares
            squares = np.full_like(heads, heads.max())
        close = np.abs(heads - squares) <= 1e-3 * squares + 1e-30
    odd = ~np.isfinite(squares) | (squares > 1e37)  # where a float32 has overflowed
    return bool((close | odd).all())


def _like_splits(nodes: NDArray[np.uint8], items: int) -> bool:
    counts = _counts(nodes)
    return bool(((counts == items) | ((counts >= 2) & (counts <= items))).all())  # type: ignore[operator]  # numpy's generic scalars compare


def _blocks(path: Path, layout: Layout, items: int) -> Iterator[Block]:
    step = rows_per_block(layout.size)
    with BinaryFile(path) as file:
        for start in range(0, items, step):
            nodes = _nodes(file, layout, start, min(step, items - start))
            counts = _counts(nodes)
            if not np.isin(counts, (0, 1)).all():
                raise InvalidFile(
                    f"{path.name} is no such annoy index: a node from {start} on is no item"
                )
            vectors = narrowed(_vectors(nodes, layout))
            added = np.flatnonzero(counts == 1)
            yield [Row(str(start + i), vectors[i], number=int(start + i)) for i in added]
