"""The nearest keys to a key, in gannoy's order.

Its angular distance, ``sqrt(2 (1 - cos))``, orders as the cosine does, so an answer of mitame's
is one of gannoy's but for two things. The key itself comes first. And a zero vector is at
distance 2.0 from everything there, farther than nearly all, while here it is at the place of a
right angle: such items are put last. Items whose id is no integer are left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.collection import View
from mitame.neighbors import PADDING
from mitame.search import MAX_LIMIT, Answer, similar
from mitame.serving.gannoy.numbers import key_of

_RIGHT_ANGLE = 1.0
_ROUNDING = 1e-6


def nearest(view: View, lens: str, key: int, limit: int) -> list[int]:
    """At most `limit` keys, the nearest first; none where there is no such key.

    Args:
        view: the collection at a moment.
        lens: whose vectors are compared.
        key: whose neighbours; it is an answer itself.
        limit: at most so many; below 0 for all.
    """
    item = str(key)
    if limit == 0 or not view.keys([item]):
        return []
    most = view.count()
    wanted = most if limit < 0 else min(limit, most)
    others = _others(view, lens, item, wanted - 1)
    return [] if others is None else [key, *others[: wanted - 1]]


def _others(view: View, lens: str, item: str, wanted: int) -> list[int] | None:
    """Keys but the item's own, at least `wanted` or all; None where the item has no vector."""
    asked = max(1, wanted)
    while asked <= MAX_LIMIT:
        answer = similar(view, item, lens=lens, limit=asked)
        if not answer.neighbors and not len(view.vectors(item, lens)):
            return None
        keys, last = _by_order(view, answer)
        if len(keys) >= wanted or not answer.complete:
            return keys + last
        if asked == MAX_LIMIT:
            break
        asked = min(2 * asked, MAX_LIMIT)
    return _all_others(view, lens, item)


def _by_order(view: View, answer: Answer) -> tuple[list[int], list[int]]:
    """The keys of an answer, and apart from them those of zero vectors."""
    rows = np.array([each.row for each in answer.neighbors], np.int64)
    distances = np.array([each.distance for each in answer.neighbors], np.float32)
    zero = _zeros(view, answer.lens, rows, distances)
    return _split([each.id for each in answer.neighbors], zero)


def _all_others(view: View, lens: str, item: str) -> list[int] | None:
    """More than an answer may have: every row is looked at."""
    vectors = view.vectors(item, lens)
    if not len(vectors):
        return None
    found = view.index(lens, exact=True).search(vectors[:1], max(1, view.live(lens)))
    real = found.ids[0] != PADDING
    rows, distances = found.ids[0][real], found.distances[0][real]
    zero = _zeros(view, lens, rows, distances)
    ids: dict[int, str] = dict(view.select("SELECT key, id FROM items"))
    owners = view.owner_of(lens, rows).tolist()
    first = {owner: place for place, owner in reversed(list(enumerate(owners)))}
    kept = [place for place, owner in enumerate(owners) if first[owner] == place]
    mine = [place for place in kept if ids[owners[place]] != item]
    keys, last = _split([ids[owners[place]] for place in mine], zero[mine])
    return keys + last


def _zeros(
    view: View, lens: str, rows: NDArray[np.int64], distances: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """bool[n]: which rows are zero vectors of a lens that compares directions."""
    zero = np.zeros(len(rows), np.bool_)
    if view.lenses[lens].spec.distance != "cosine":
        return zero
    maybe = np.flatnonzero(np.abs(distances - _RIGHT_ANGLE) <= _ROUNDING)
    if len(maybe):
        zero[maybe] = ~view.vectors_at(lens, rows[maybe]).any(axis=1)
    return zero


def _split(ids: list[str], zero: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    keys: list[int] = []
    last: list[int] = []
    for item_id, is_zero in zip(ids, zero.tolist(), strict=True):
        key = key_of(item_id)
        if key is not None:
            (last if is_zero else keys).append(key)
    return keys, last
