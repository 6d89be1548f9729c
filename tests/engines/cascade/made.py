"""Rows that the cascade's tests are made of, and one search under one kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from mitame import native
from mitame.distances import Distance, normalise
from mitame.engines.cascade import shape
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.cascade.index import CascadeIndex
from mitame.engines.cascade.parts import cascade_of, read_parts

Floats = NDArray[np.float32]
Plan = tuple[int, int, int, int, int, int]
Parts = Mapping[str, NDArray[Any]]

PLANS: tuple[Plan, ...] = (
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 4, 4, 3),
    (4, 16, 40, 30, 25, 12),
    (9, 40, 300, 200, 150, 90),
    (10**6, 10**6, 10**6, 10**6, 10**6, 12),
    (10**6, 10**6, 10**6, 10**6, 1, 10**6),
)
"""From looking at next to nothing to looking at all: roots, lists, shorts, beam, refined, exact."""


def rows_of(
    rows: int, dimension: int, *, seed: int = 0, fall: float = 0.7, unit: bool = False
) -> Floats:
    """float32[rows, dimension] whose coordinates' spread falls as 1 / position ** fall.

    Args:
        rows, dimension: the shape.
        seed: for numpy's generator.
        fall: 0 for a flat spectrum, and no groups.
        unit: of length 1.
    """
    rng = np.random.default_rng(seed)
    spread = np.arange(1, dimension + 1, dtype=np.float32) ** -fall
    turned = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0].astype(np.float32)
    points: Floats = rng.standard_normal((rows, dimension), np.float32)
    if fall:
        groups = rng.standard_normal((max(2, rows // 40), dimension), np.float32)
        points = points / np.float32(2) + groups[rng.integers(len(groups), size=rows)]
    found = np.asarray((points * spread) @ turned + 0.1, np.float32)
    return normalise(found) if unit else found


def repeated(rows: Floats, distinct: int) -> Floats:
    """As many rows, of which only some are distinct; equal ones stand apart from each other."""
    return np.ascontiguousarray(rows[np.arange(len(rows)) % distinct])


@dataclass(frozen=True)
class Made:
    """An index that was built, with what it needs to be opened."""

    rows: Floats
    queries: Floats
    distance: Distance
    parts: Parts

    def opened(self) -> CascadeIndex:
        """By the kernel that runs now."""
        return CascadeEngine().open(self.rows, self.distance, self.parts)


@dataclass(frozen=True)
class Answer:
    """What one search under one kernel gave."""

    status: int
    ids: NDArray[np.int64]
    distances: Floats


def made(
    rows: Floats, distance: Distance, *, queries: int = 8, residuals: bool = False, **settings: Any
) -> Made:
    """Built by the best kernel that there is; queries are near rows, some are rows.

    Args:
        rows: to build over.
        distance: which.
        queries: how many.
        residuals: whether rows have them, if they have more than 160 floats.
        settings: the engine's.
    """
    rng = np.random.default_rng(len(rows))
    asked: Floats = rows[rng.integers(len(rows), size=queries)]
    noise = rng.standard_normal(asked.shape, np.float32) * asked.std()
    asked = asked + noise * rng.choice([0, 0.2, 1], size=(queries, 1)).astype(np.float32)
    asked = np.asarray(asked, np.float32)
    asked = normalise(asked) if distance == "cosine" else asked
    with mock.patch.object(shape, "spares_rows", return_value=residuals):
        index = CascadeEngine().build(rows, distance, **settings)
    return Made(rows, asked, distance, index.save())


def searched(
    made: Made, kernel: str, k: int, plan: Plan, allow: NDArray[np.bool_] | None = None
) -> Answer:
    """The stages themselves, without the index that mends what they leave open."""
    with native.forced(kernel):
        stored = read_parts(made.rows, made.distance, made.parts)
        assert stored is not None
        searcher = cascade_of(made.rows, stored)
        ids = np.full((len(made.queries), k), -7, np.int64)
        away = np.full((len(made.queries), k), -7, np.float32)
        status = searcher.search(made.queries, ids, away, *plan, allow, 2)
    return Answer(status, ids, away)


def assert_same(one: Answer, other: Answer) -> None:
    """Equal ids, to the bit; equal distances but for how a kernel rounds its sums."""
    assert one.status == other.status
    np.testing.assert_array_equal(one.ids, other.ids)
    finite = np.isfinite(one.distances)
    np.testing.assert_array_equal(finite, np.isfinite(other.distances))
    scale = np.abs(one.distances[finite]).max(initial=1e-3)
    np.testing.assert_allclose(
        one.distances[finite], other.distances[finite], rtol=1e-5, atol=float(scale) * 1e-6
    )
