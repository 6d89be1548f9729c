"""Rows of which the oldest go: what is left is what fits, whatever the sizes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.storage.ring import drop_oldest, last_end


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(made()) as opened:
        yield opened


def made() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE rows (ends INTEGER PRIMARY KEY, size INTEGER NOT NULL)")
    return connection


def test_nothing_ends_at_nothing(connection: sqlite3.Connection) -> None:
    """An empty table has its end at 0, and nothing is dropped from it."""
    assert last_end(connection, "rows") == 0
    drop_oldest(connection, "rows", 10)
    assert last_end(connection, "rows") == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 120))
def test_the_newest_that_fit_stay(sizes: list[int], room: int) -> None:
    """Whole or in part within the room; the end goes on from there."""
    with closing(made()) as connection:
        for size in sizes:
            end = last_end(connection, "rows") + size
            connection.execute("INSERT INTO rows VALUES (?, ?)", (end, size))
            drop_oldest(connection, "rows", room)
        kept = [row[0] for row in connection.execute("SELECT size FROM rows ORDER BY ends")]
        assert last_end(connection, "rows") == sum(sizes)
    assert kept == sizes[-len(kept) :]
    assert sum(kept[1:]) < room
    assert len(kept) == len(sizes) or sum(kept) >= room
