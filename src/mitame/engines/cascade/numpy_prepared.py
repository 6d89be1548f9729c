"""A query turned to the rows' axes and rounded as each stage's codes need it, in NumPy.

The same as ``native/cascade_prepared.h``, sum for sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.coding import RESIDUAL_PART
from mitame.engines.cascade.part_checks import residual_lines_of
from mitame.engines.cascade.shape import (
    FINE_AXES,
    LINE,
    NODE_2,
    NODE_4,
    NODE_8,
    PROJECTED,
    RESIDUAL,
    TAIL,
    Floats,
)

Whole = NDArray[np.int32]
Parts: TypeAlias = Mapping[str, NDArray[Any]]
_LONGEST = np.float32(1e10)
"""Most that one unit of a query's code may be worth."""
_MIDDLES = (128.0, 7.5, 1.5, 1.5)


@dataclass(frozen=True)
class Rounded:
    """Some coordinates as whole numbers from -127 to 127, and twice what one is worth."""

    whole: Whole
    scale: np.float32

    def sums(self, codes: NDArray[np.uint8]) -> Floats:
        """float32[n]: twice the products with codes uint8[n, w]."""
        out: Floats = self.scale * (codes.astype(np.int32) @ self.whole).astype(np.float32)
        return out


@dataclass(frozen=True)
class ShortQuery:
    """A query against one table of short codes."""

    four: Rounded
    two: Rounded
    offset: np.float32


class Prepared:
    """One query; see the module.

    Args:
        parts: of the index.
        sizes: of them.
        axes: int32[n, padded] each: those with 8 bits a number, those with 4.
        query: float32[dimension].
    """

    def __init__(
        self, parts: Parts, sizes: Mapping[str, int], axes: tuple[Whole, Whole], query: Floats
    ) -> None:
        self._parts = parts
        self._sizes = sizes
        self._axes = axes
        self._query = query

    def set(self) -> bool:
        """Turn it; false where it is too long for float."""
        p, s = self._parts, self._sizes
        query = self._query.astype(np.float32)
        padded = np.zeros(len(p["mean"]), np.float32)
        padded[: len(query)] = query if s["distance"] == 2 else query - p["mean"][: len(query)]
        whole, scale = quantised(padded)
        if scale > _LONGEST:
            return False
        fine, low = self._axes
        zero = np.float32(128 * whole.sum())
        count = min(FINE_AXES, s["projected"])
        sums = np.concatenate(
            [
                (fine @ whole).astype(np.float32)[:count] - zero,
                (low @ whole).astype(np.float32)[: s["projected"] - count]
                - np.float32(7.5 / 128) * zero,
            ]
        )
        self._z = np.zeros(PROJECTED + LINE, np.float32)
        self._z[: len(sums)] = sums * p["rotation-steps"] * scale
        self._centre, centre_scale = quantised(self._z[: s["coarse"]])
        self._centre_scale = centre_scale * p["centre-step"][0]
        self._set_node()
        self._set_residual()
        return True

    def _set_node(self) -> None:
        steps = self._parts["node-steps"]
        ends = np.cumsum([0, NODE_8, NODE_4, NODE_2, TAIL])
        self.node = [self._rounded(steps, *ends_) for ends_ in itertools.pairwise(ends)]
        offsets = [
            group.scale * np.float32(middle) * np.float32(group.whole.sum())
            for group, middle in zip(self.node, _MIDDLES, strict=True)
        ]
        self.offset = (offsets[0] + offsets[1]) + offsets[2]
        self.tail_offset = offsets[3]

    def _set_residual(self) -> None:
        steps = self._parts["node-steps"]
        lines = residual_lines_of(self._parts, self._sizes)
        begins = range(NODE_8, NODE_8 + RESIDUAL * lines, RESIDUAL)
        whole = [self._rounded(steps, begin, begin + RESIDUAL) for begin in begins]
        self.residual = [replace(line, scale=RESIDUAL_PART * line.scale) for line in whole]
        self.residual_offset = np.float32(0)
        for line in self.residual:
            self.residual_offset += line.scale * np.float32(7.5) * np.float32(line.whole.sum())

    def _rounded(self, steps: Floats, begin: int, end: int) -> Rounded:
        whole, scale = quantised(self._z[begin:end] * steps[begin:end])
        return Rounded(whole, np.float32(2) * scale)

    def short(self, steps: Floats) -> ShortQuery:
        """The query against a table whose codes have these steps, float32[short]."""
        fours = self._sizes["fours"]
        four, two = self._rounded(steps, 0, fours), self._rounded(steps, fours, len(steps))
        first = four.scale * np.float32(7.5) * np.float32(four.whole.sum())
        second = two.scale * np.float32(1.5) * np.float32(two.whole.sum())
        return ShortQuery(four, two, first + second)

    def with_centres(self, centres: NDArray[np.uint8]) -> Floats:
        """float32[n]: twice the products with centres uint8[n, coarse]."""
        sums = centres.astype(np.int32) @ self._centre - 128 * self._centre.sum()
        out: Floats = np.float32(2) * self._centre_scale * sums.astype(np.float32)
        return out


def quantised(values: Floats) -> tuple[Whole, np.float32]:
    """Whole numbers from -127 to 127, and what one is worth."""
    largest = max(np.float32(np.abs(values).max(initial=0)), np.float32(1e-30))
    factor = np.float32(127) / largest
    return np.rint(values * factor).astype(np.int32), largest / np.float32(127)
