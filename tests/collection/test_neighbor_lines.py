"""One list of a neighbour table by itself: the same as among many, and damage is seen."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.collection.neighbor_table import NONE, NeighborTable, TableFacts, stored_lists
from mitame.errors import CorruptCollection

ITEMS = np.array([3, 4, 9, 2**31 - 1], np.int32)
ROWS = np.array([[1, 2, 3], [0, 2, NONE], [3, 1, 0], [2, 1, 0]])
AWAY = np.array([[0.1, 0.2, 0.2], [0.5, 0.5, np.inf], [0, 1, 2], [1, 2, 3]], np.float32)


def table(rows: np.ndarray = ROWS, away: np.ndarray = AWAY) -> NeighborTable:
    return NeighborTable(TableFacts(k=3), ITEMS, stored_lists(rows, away), 4)


@pytest.mark.parametrize("key", [-(2**40), -1, 0, 3, 4, 5, 9, 10, 2**31 - 1, 2**31, 2**40])
def test_where_an_item_is(key: int) -> None:
    """As among several, whatever the key."""
    assert table().place(key) == table().places(np.array([key, 3]))[0]
    assert (table().place(key) == NONE) == (key not in ITEMS)


def test_a_table_without_items_has_no_places() -> None:
    """Nothing is found, and nothing fails."""
    none = NeighborTable(TableFacts(k=3), ITEMS[:0], stored_lists(ROWS[:0], AWAY[:0]), 4)
    assert none.place(3) == NONE
    assert none.places(np.array([3])).tolist() == [NONE]


@pytest.mark.parametrize("most", [1, 2, 3, 50])
def test_what_a_list_begins_with(most: int) -> None:
    """Rows and distances from the front, and how far the list reaches."""
    for place in range(4):
        rows, away, last = table().first(place, most)
        whole = table().lists(np.array([place]))
        assert rows == whole[0][0, :most].tolist()
        assert away == whole[1][0, :most].tolist()
        assert last == AWAY[place, -1]


@pytest.mark.parametrize(
    ("row", "away"),
    [((0, 4), None), ((0, -2), None), (None, (1, 0.05)), (None, (2, 0.15)), (None, (1, np.nan))],
)
def test_a_damaged_list_is_seen(
    row: tuple[int, int] | None, away: tuple[int, float] | None
) -> None:
    """A row that there is not, and distances out of order, near the front or at the end."""
    rows, distances = ROWS.copy(), AWAY.copy()
    if row is not None:
        rows[0, row[0]] = row[1]
    if away is not None:
        distances[0, away[0]] = away[1]
    with pytest.raises(CorruptCollection):
        table(rows, distances).first(0, 2)
