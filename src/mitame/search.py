"""From a query to an answer: the nearest items of a view, each once, with its best image.

The index answers rows; an item may have many. More rows are asked for until the k nearest items
are sure: every row that was not answered lies farther than the k-th item found. So an exact
answer does not depend on the order in which items were written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection import Excluding, View, nearest_rows
from mitame.distances import check_vectors, score
from mitame.embedders.protocol import EmbedderSpec
from mitame.engines.protocol import Searchable
from mitame.errors import ItemNotFound, UnknownLens, UsageError
from mitame.filters import Filter
from mitame.neighbors import PADDING, Neighbors
from mitame.query import (
    MAX_LIMIT,
    Answer,
    MatchWord,
    Neighbor,
    Query,
    check_effort,
    check_limit,
    match_word,
)

# Who searches needs the words of `mitame.query`, too: one import gives both.
__all__ = [
    "MAX_LIMIT",
    "Answer",
    "MatchWord",
    "Neighbor",
    "Query",
    "check_effort",
    "check_limit",
    "match_word",
    "search",
    "similar",
]

_SPARE_ROWS = 16
"""Rows asked for beyond the limit at first, so that ties at the end are mostly settled at once."""


def search(view: View, query: Query) -> Answer:
    """The nearest items of a view.

    Raises:
        UnknownLens: the collection has no such lens.
        InvalidVector: a query vector with the wrong shape, dimension, NaN or infinity.
        UsageError: no query vector.
    """
    started = time.perf_counter()
    spec = _spec(view, query.lens)
    vectors = check_vectors(query.vectors, spec.dimension)
    if len(vectors) == 0:
        raise UsageError("a query has no vector", remedy="give at least one")
    found = _nearest_items(view, query, vectors)
    # Asked afterwards: an index that turned out to be damaged meanwhile was not used.
    exact = query.exact or view.base_index(query.lens).is_exact
    return _answer(view, query, found, exact=exact, started=started)


def similar(
    view: View,
    item_id: str,
    *,
    lens: str | None = None,
    limit: int = 10,
    where: Filter | None = None,
    score_threshold: float | None = None,
    effort: float | None = None,
    exact: bool = False,
) -> Answer:
    """The nearest items to an item, by all its images; never the item itself.

    Args:
        view: the collection at a moment.
        item_id: the item.
        lens: the collection's first lens where left out.
        limit, where, score_threshold, effort, exact: as in `Query`.

    Raises:
        ItemNotFound: no such item.
        UnknownLens: no such lens.
    """
    started = time.perf_counter()
    name = next(iter(view.lenses)) if lens is None else lens
    spec = _spec(view, name)
    keys = view.keys([item_id])
    if not keys:
        raise ItemNotFound(f"no item {item_id!r}")
    check_limit(limit)
    if effort is None:  # otherwise the engine is asked for by name
        (listed,) = view.listed(name, [keys[item_id]], limit, where)
        if listed is not None and (listed.exact or not exact):
            nothing = np.empty((0, spec.dimension), np.float32)
            query = Query(name, nothing, limit, where, frozenset({item_id}), score_threshold)
            found = _of_rows(listed.rows, listed.distances)
            return _answer(view, query, found, exact=listed.exact, started=started)
    vectors = view.vectors(item_id, name)
    if len(vectors) == 0:
        reason = f"item {item_id!r} has no vector for lens {name!r}"
        return Answer((), False, reason, 0.0, True, view.position, name)
    return search(
        view,
        Query(
            name,
            vectors.reshape(-1, spec.dimension),
            limit,
            where,
            frozenset({item_id}),
            score_threshold,
            effort,
            exact,
        ),
    )


def _answer(
    view: View, query: Query, found: Sequence[_Found], *, exact: bool, started: float
) -> Answer:
    neighbors = _neighbors(view, query, found)
    return Answer(
        neighbors,
        complete=len(neighbors) == query.limit,
        reason=_reason(query, len(neighbors), len(found)),
        took_ms=(time.perf_counter() - started) * 1_000,
        exact=exact,
        position=view.position,
        lens=query.lens,
    )


def _spec(view: View, lens: str) -> EmbedderSpec:
    if lens not in view.lenses:
        raise UnknownLens(f"the collection has no lens {lens!r}")
    return view.lenses[lens].spec


@dataclass(frozen=True)
class _Rows:
    """What is searched: an index, the rows of it that may be answered, and how many those are."""

    index: Searchable
    allow: NDArray[np.bool_] | None
    count: int


def _searched(view: View, query: Query) -> _Rows:
    index = view.index(query.lens, exact=query.exact)
    excluded = np.sort(view.rows_of(query.lens, [*view.keys(sorted(query.exclude)).values()]))
    live = view.live(query.lens) - len(excluded)
    if query.where is not None:
        allow = view.allow(query.lens, query.where)
        assert allow is not None
        allow[excluded] = False  # the mask was made for this query
        count = int(np.count_nonzero(allow))
        if count < live:
            return _Rows(index, allow, count)
    return _Rows(Excluding(index, excluded) if len(excluded) else index, None, live)


@dataclass(frozen=True)
class _Found:
    """An item by its nearest row."""

    distance: float
    row: int


def _nearest_items(view: View, query: Query, vectors: NDArray[np.float32]) -> list[_Found]:
    """Items whose distance is at most that of the limit-th nearest: with ties, maybe more."""
    rows, limit = _searched(view, query), query.limit
    k = min(rows.count, limit + _SPARE_ROWS)
    while k > 0:
        answer = rows.index.search(vectors, k, effort=query.effort, allow=rows.allow)
        best = _group(view, query.lens, answer)
        if k == rows.count:
            return best
        seen_to = float(answer.distances[:, -1].min())  # all nearer rows have been answered
        if len(best) >= limit and best[limit - 1].distance < seen_to:
            return best
        k = min(rows.count, 2 * k)
    return []


def _group(view: View, lens: str, answer: Neighbors) -> list[_Found]:
    """Each item once, by its nearest row (the first of equals), nearest first."""
    real = answer.ids != PADDING
    rows, distances = answer.ids[real], answer.distances[real]
    return _of_rows(*nearest_rows(rows, distances, view.owner_of(lens, rows))[:2])


def _of_rows(rows: NDArray[np.int64], distances: NDArray[np.float32]) -> list[_Found]:
    return [_Found(*pair) for pair in zip(distances.tolist(), rows.tolist(), strict=True)]


def _neighbors(view: View, query: Query, found: Sequence[_Found]) -> tuple[Neighbor, ...]:
    spec = _spec(view, query.lens)
    kept = [part for part in found if _passes(part, query, spec)]
    if len(kept) > query.limit:  # with the ties of the last one, which the id then decides
        last = kept[query.limit - 1].distance
        kept = [part for part in kept if part.distance <= last]
    records = view.records(query.lens, [part.row for part in kept])
    pairs = sorted(zip(kept, records, strict=True), key=lambda p: (p[0].distance, p[1].id))
    neighbors = []
    for part, record in pairs[: query.limit]:
        value = score(part.distance, spec.distance)
        neighbors.append(
            Neighbor(
                record.id,
                value,
                part.distance,
                match_word(value, spec),
                record.category,
                record.attributes,
                record.image,
                part.row,
                record.since,
            )
        )
    return tuple(neighbors)


def _passes(part: _Found, query: Query, spec: EmbedderSpec) -> bool:
    threshold = query.score_threshold
    return threshold is None or score(part.distance, spec.distance) >= threshold


def _reason(query: Query, answered: int, found: int) -> str | None:
    if answered == query.limit:
        return None
    if answered < min(found, query.limit):
        return f"only {answered} items have a score of at least {query.score_threshold}"
    what = "items" if query.where is None else "items that pass the filter"
    other = " other" if query.exclude else ""
    return f"there are only {answered}{other} {what} with a vector for lens {query.lens!r}"
