"""The parts of a cascade by name, and the native or NumPy searcher over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame import native
from mitame.distances import DISTANCES, Distance
from mitame.engines.cascade.numpy_search import NumpyCascade
from mitame.engines.cascade.part_checks import residual_lines_of
from mitame.engines.cascade.shape import BLOCK, LINE, PROJECTED, Floats, Shape
from mitame.engines.protocol import Parts, Rows
from mitame.errors import CorruptCollection

Edges: TypeAlias = NDArray[np.int32]

FORMAT = 1
SIZES = "sizes"
INVERSES = "inverses"
SIZE_NAMES = (
    "format", "rows", "dimension", "fours", "twos", "coarse", "tail", "projected", "roots", "lists",
    "root_blocks", "list_blocks", "blocks", "degree", "distance",
)  # fmt: skip
_DISTANCES: Mapping[Distance, int] = {"euclidean": 0, "cosine": 1, "inner_product": 2}
_MOST = 2**30
_PAIR = 2 * LINE
"""Bytes of two cache lines, which processors like to fetch together."""


@dataclass(frozen=True)
class Stored:
    """What an index is made of.

    Attributes:
        shape: the widths of codes.
        sizes: numbers that say how long the parts are.
        parts: all of them, `SIZES` too.
        inverses: float32[rows], 1 / length for cosine over rows that are not of length 1; never
            saved, as what is saved is opened over rows that are.
    """

    shape: Shape
    sizes: Mapping[str, int]
    parts: Mapping[str, NDArray[Any]]
    inverses: Floats | None = None


@dataclass(frozen=True)
class Edgeless:
    """What was built, but for the edges.

    Attributes:
        vectors: float32[rows, dimension].
        distance: which.
        inverses: as in `Stored`.
        shape: the widths of codes.
        sizes: rows, roots and lists.
        parts: all but `SIZES` and edges.
    """

    vectors: Rows
    distance: Distance
    inverses: Floats | None
    shape: Shape
    sizes: Mapping[str, int]
    parts: Mapping[str, NDArray[Any]]

    def stored(self, edges: Edges | None = None) -> Stored:
        """With edges int32[places, degree], or with none; and with its sizes as a part."""
        shape, parts = self.shape, dict(self.parts)
        if edges is not None:
            parts["edges"] = edges
        known = {
            "format": FORMAT,
            "dimension": shape.dimension,
            "fours": shape.fours,
            "twos": shape.twos,
            "coarse": shape.coarse,
            "tail": int(shape.tail),
            "projected": shape.projected,
            "root_blocks": len(parts["root-norms"]) // BLOCK,
            "list_blocks": len(parts["list-norms"]) // BLOCK,
            "blocks": len(parts["row-norms"]) // BLOCK,
            "distance": _DISTANCES[self.distance],
            "degree": 0 if edges is None else edges.shape[1],
            **self.sizes,
        }
        numbers = np.array([known[name] for name in SIZE_NAMES], np.int64)
        at_lines = {name: at_line(part) for name, part in parts.items()}
        return Stored(shape, known, {SIZES: numbers, **at_lines}, self.inverses)

    def searcher(self, edges: Edges | None = None) -> Any:
        """Something with `search`, and natively with `neighbours` and `prune`."""
        return cascade_of(self.vectors, self.stored(edges))


def at_line(part: NDArray[Any]) -> NDArray[Any]:
    """The part, or a copy of it that begins at a cache line: codes must not lie across two.

    What a snapshot maps begins at one.
    """
    if part.ctypes.data % LINE == 0 and part.flags.c_contiguous:
        return part
    room = np.empty(part.nbytes + _PAIR, np.uint8)
    skip = -room.ctypes.data % _PAIR
    out = room[skip : skip + part.nbytes].view(part.dtype).reshape(part.shape)
    out[...] = part
    return out


def read_parts(vectors: Rows, distance: Distance, parts: Parts) -> Stored | None:
    """Parts that were saved; None where there are none because all rows are looked at.

    Raises:
        CorruptCollection: they are none of an index over these rows.
    """
    if not parts:
        return None
    numbers = parts.get(SIZES)
    if numbers is None or numbers.dtype != np.int64 or numbers.shape != (len(SIZE_NAMES),):
        raise CorruptCollection("the cascade index has no sizes")
    sizes = dict(zip(SIZE_NAMES, map(int, numbers), strict=True))
    rows, dimension = vectors.shape
    if sizes["format"] != FORMAT or (sizes["rows"], sizes["dimension"]) != (rows, dimension):
        raise CorruptCollection("the cascade index was built over other rows")
    if sizes["distance"] != _DISTANCES[distance] or distance not in DISTANCES:
        raise CorruptCollection("the cascade index was built for another distance")
    if min(sizes.values()) < 0 or max(sizes.values()) > _MOST:
        raise CorruptCollection("the cascade index has sizes that can't be right")
    if max(sizes["fours"] + sizes["twos"], sizes["projected"]) > PROJECTED or sizes["tail"] > 1:
        raise CorruptCollection("the cascade index has sizes that can't be right")
    if (
        sizes["roots"] > BLOCK * sizes["root_blocks"]
        or sizes["lists"] > BLOCK * sizes["list_blocks"]
    ):
        raise CorruptCollection("the cascade index has sizes that can't be right")
    shape = Shape(
        dimension=sizes["dimension"],
        fours=sizes["fours"],
        twos=sizes["twos"],
        coarse=sizes["coarse"],
        tail=bool(sizes["tail"]),
        projected=sizes["projected"],
        nodes="nodes" not in parts or parts["nodes"].size > 0,
        residuals=residual_lines_of(parts, sizes) > 0,
    )
    found = {name: at_line(part) for name, part in parts.items() if name != INVERSES}
    return Stored(shape, sizes, found)


def cascade_of(vectors: Rows, stored: Stored) -> Any:
    """Something with `search`, over parts whose lengths were checked.

    Raises:
        CorruptCollection: a part is missing, or has another type or length.
    """
    parts = {**stored.parts, "vectors": np.ascontiguousarray(vectors)}
    if stored.inverses is not None:
        parts[INVERSES] = stored.inverses
    module = native.module()
    try:
        return (
            NumpyCascade(parts, stored.sizes)
            if module is None
            else module.Cascade(parts, dict(stored.sizes))
        )
    except ValueError as error:
        raise CorruptCollection(f"the cascade index can't be used: {error}") from error
