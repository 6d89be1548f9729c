"""What the laws of engines are checked with: data, true answers, and what an answer must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, exact
from mitame.engines.protocol import Allow, Rows
from mitame.errors import MitameError
from mitame.neighbors import PADDING, Neighbors


def brute_force(
    rows: Rows, queries: Rows, k: int, distance: Distance, allow: Allow | None = None
) -> Neighbors:
    """The true answer, computed the slow way: float32[rows, dimension], float32[q, dimension]."""
    ids = np.full((len(queries), k), PADDING, np.int64)
    distances = np.full((len(queries), k), np.inf, np.float32)
    allowed = np.arange(len(rows)) if allow is None else np.flatnonzero(allow)
    for q, query in enumerate(queries):
        away = exact(query, rows[allowed], distance)
        order = np.lexsort((allowed, away))[:k]
        ids[q, : len(order)] = allowed[order]
        distances[q, : len(order)] = away[order]
    return Neighbors(ids, distances)


def clumps(rows: int, dimension: int, seed: int) -> tuple[Rows, NDArray[np.int64]]:
    """Rows float32[rows, dimension] around ten centres, and which centre each is near, int64[rows].

    Clumps are what graphs and trees find hard: between them there is nothing to walk on.
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(10, dimension))
    near = rng.integers(10, size=rows)
    found = centres[near] + 0.3 * rng.normal(size=(rows, dimension))
    return found.astype(np.float32), near


def masks(rows: int) -> Iterator[Allow]:
    """Allowed rows: all, half, a tenth, a hundredth, a thousandth, none; picked by chance."""
    rng = np.random.default_rng(9)
    for share in (1.0, 0.5, 0.1, 0.01, 0.001, 0.0):
        mask = np.zeros(rows, np.bool_)
        mask[rng.permutation(rows)[: int(np.ceil(rows * share))]] = True
        yield mask


def check_form(answer: Neighbors, queries: int, k: int, rows: int) -> None:
    """An answer of the right shape and types, in order, of rows that there are."""
    assert answer.ids.shape == answer.distances.shape == (queries, k)
    assert answer.ids.dtype == np.int64
    assert answer.distances.dtype == np.float32
    assert ((answer.ids >= PADDING) & (answer.ids < rows)).all()
    check_order(answer)


def check_order(answer: Neighbors) -> None:
    """Nearest first, ties by id, no id twice, padding last and infinitely far."""
    for ids, distances in zip(answer.ids, answer.distances, strict=True):
        real = ids != PADDING
        assert real[: real.sum()].all()
        pairs = list(zip(distances[real].tolist(), ids[real].tolist(), strict=True))
        assert pairs == sorted(pairs)
        assert len(set(ids[real].tolist())) == len(pairs)
        assert np.isposinf(distances[~real]).all()


def check_true(answer: Neighbors, rows: Rows, queries: Rows, distance: Distance) -> None:
    """What is said of each answered row is what `mitame.distances.exact` says."""
    for ids, distances, query in zip(answer.ids, answer.distances, queries, strict=True):
        real = ids != PADDING
        true = exact(query, rows[ids[real]], distance)
        found = distances[real]
        with np.errstate(invalid="ignore"):  # infinity less infinity
            is_near = np.abs(found - true) <= 1e-6 + 1e-5 * np.abs(true)
        # NumPy's own comparison is slow, and its words are wanted only where something is wrong.
        if not (is_near | (found == true)).all():
            np.testing.assert_allclose(found, true, rtol=1e-5, atol=1e-6)


def check_equal(one: Neighbors, other: Neighbors) -> None:
    """The same to the bit."""
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.distances, other.distances)


def recall(answer: Neighbors, true: Neighbors) -> float:
    """Share of the true answer that is reached, 0 to 1; by distances, so that ties count."""
    wanted = true.ids != PADDING
    if not wanted.any():
        return 1.0
    width = wanted.sum(axis=1)
    last = np.where(width > 0, true.distances[np.arange(len(width)), np.maximum(width, 1) - 1], 0)
    slack = np.abs(last) * 1e-5 + 1e-6
    reached = answer.distances <= (last + slack)[:, np.newaxis]
    return float(np.minimum(reached.sum(axis=1), width).sum() / width.sum())


def refused(call: Callable[[], object], error: type[MitameError]) -> None:
    """The call raises this error."""
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")
