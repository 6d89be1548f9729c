"""Lists that no table has, many at a time: one search for the rows of all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mitame.collection.neighbor_keys import nearest_rows
from mitame.collection.neighbor_lists import ItemList
from mitame.collection.view import View
from mitame.neighbors import Neighbors

Numbers = NDArray[np.int64]
_SPARE = 16


def searched(view: View, lens: str, keys: Sequence[int], limit: int) -> list[ItemList | None]:
    """The nearest items of items, by the index that serves.

    Args:
        view: the moment.
        lens: which.
        keys: the items', as in `View.owner_of`.
        limit: how many neighbours are wanted.

    Returns:
        For each at least `limit` neighbours, or all there are; None where one search was not
        enough to be sure, as an item's many images crowd out others, or the item has no vector.
    """
    rows = view.rows_of(lens, keys)
    owners = view.owner_of(lens, rows)
    order = np.lexsort((rows, owners))
    rows, owners = rows[order], owners[order]
    live = view.live(lens)
    out: list[ItemList | None] = [None] * len(keys)
    if not len(rows):
        return out
    width = min(live, limit + 1 + _SPARE)
    index = view.index(lens)
    answer = index.search(view.lens_rows(lens).vectors_of(rows), width)
    is_exact = view.base_index(lens).is_exact
    for place, key in enumerate(keys):
        first, end = np.searchsorted(owners, [key, key + 1])
        if first < end:
            part = Neighbors(answer.ids[first:end], answer.distances[first:end])
            whole = width == live
            out[place] = _list(view, lens, key, part, limit, whole=whole, exact=is_exact)
    return out


def _list(
    view: View,
    lens: str,
    key: int,
    answer: Neighbors,
    limit: int,
    *,
    whole: bool,
    exact: bool,
) -> ItemList | None:
    real = answer.ids >= 0
    found, away = answer.ids[real], answer.distances[real]
    rows, distances, owners = nearest_rows(found, away, view.owner_of(lens, found))
    others = owners != key
    rows, distances, owners = rows[others], distances[others], owners[others]
    if not whole:
        sure = distances < answer.distances[:, -1].min()  # all nearer rows have been answered
        if np.count_nonzero(sure) < limit:
            return None
        rows, distances, owners = rows[sure], distances[sure], owners[sure]
    return ItemList(rows, distances, owners, exact)
