"""Votes on two answers: kept durably, in order, added up, bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mitame.collection.paths import COMPARISONS
from mitame.errors import CorruptCollection, InvalidId, UsageError
from mitame.feedback import ComparisonStore, Side
from mitame.feedback.comparisons import MAX_IDS

LOOK = Side("look", "f1", False, 3, ("b", "c"))
COLOR = Side("color", "f2", False, 3, ("c",))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ComparisonStore]:
    found = ComparisonStore(tmp_path)
    yield found
    found.close()


def test_none_without_a_file(store: ComparisonStore, tmp_path: Path) -> None:
    """Reading makes none."""
    assert store.comparisons() == []
    assert store.totals() == {}
    assert not (tmp_path / COMPARISONS).exists()


def test_votes_come_back_in_their_order(store: ComparisonStore, tmp_path: Path) -> None:
    """From another process, too: whole, page by page."""
    given = [store.add(f"i{n}", LOOK, COLOR, "left") for n in range(5)]
    other = ComparisonStore(tmp_path)
    assert other.comparisons() == given
    assert other.comparisons(after=given[1].sequence, limit=2) == given[2:4]
    assert (given[0].left, given[0].right, given[0].better) == (LOOK, COLOR, "left")
    other.close()


def test_totals_do_not_ask_which_was_shown_left(store: ComparisonStore) -> None:
    """The same pair, turned round, is added to the same numbers."""
    store.add("a", LOOK, COLOR, "left")
    store.add("b", COLOR, LOOK, "right")
    store.add("c", COLOR, LOOK, "left")
    store.add("d", LOOK, COLOR, "neither")
    store.add("e", LOOK, replace(LOOK, exact=True), "right")
    assert store.totals() == {
        ("color", "look"): {"first": 1, "second": 2, "neither": 1},
        ("look", "look exact"): {"first": 0, "second": 1, "neither": 0},
    }


def test_what_is_no_vote_is_refused(store: ComparisonStore) -> None:
    """Two sides that are one, too many ids, ids that can't be: nothing is kept."""
    with pytest.raises(UsageError, match="both sides"):
        store.add("a", LOOK, replace(LOOK, ids=()), "left")
    with pytest.raises(UsageError, match="no vote"):
        store.add("a", LOOK, COLOR, "both")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(UsageError, match="ids"):
        store.add("a", LOOK, replace(COLOR, ids=("x",) * (MAX_IDS + 1)), "left")
    with pytest.raises(InvalidId):
        store.add("a", LOOK, replace(COLOR, ids=("\x00",)), "left")
    assert store.comparisons() == []
    store.add("a", LOOK, replace(LOOK, generation=2), "left")  # two generations are two sides


def test_the_oldest_leave(tmp_path: Path) -> None:
    """Where bytes are short; the newest one stays, however large it is."""
    small = ComparisonStore(tmp_path, max_bytes=2_000)
    given = [small.add(f"i{n}", LOOK, COLOR, "left") for n in range(50)]
    kept = small.comparisons()
    assert 2 <= len(kept) < 12
    assert kept == given[-len(kept) :]
    huge = replace(LOOK, ids=tuple(f"{n}" * 300 for n in range(10, 40)))
    last = small.add("x", huge, COLOR, "left")
    assert small.comparisons() == [last]
    small.close()


def test_a_row_that_cannot_be_right_is_told(store: ComparisonStore, tmp_path: Path) -> None:
    """As damage of the collection."""
    store.add("a", LOOK, COLOR, "left")
    store.close()
    connection = sqlite3.connect(tmp_path / COMPARISONS)
    with connection:
        connection.execute("UPDATE comparisons SET sides = '[1, 2]'")
    connection.close()
    with pytest.raises(CorruptCollection):
        store.comparisons()


def test_generations_are_told_apart(store: ComparisonStore) -> None:
    """Two generations of one lens are two sides, whichever was shown left."""
    older, newer = replace(LOOK, generation=3), replace(LOOK, generation=4)
    store.add("a", older, newer, "right")
    store.add("b", older, newer, "right")
    store.add("c", newer, older, "right")
    pair = ("look, generation 3", "look, generation 4")
    assert store.totals() == {pair: {"first": 1, "second": 2, "neither": 0}}
