"""Leave-one-out scores, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import mitame
from mitame.errors import UsageError
from mitame.evaluation.categories import category_scores


def test_few_items_can_reach_one(tmp_path: Path) -> None:
    """Three items of which each has fewer than k neighbours: what was answered counts.

    On a line at 0, 1 (kind a) and 10 (kind b) all neighbours are answered: a, b of the first,
    a, b of the second, a, a of the third: 2 of 6 are right.
    """
    with mitame.open(tmp_path, lenses={"v": "vectors:1:euclidean"}) as shop:
        for name, place, kind in (("p", 0.0, "a"), ("q", 1.0, "a"), ("r", 10.0, "b")):
            shop.add(name, vector=[place], category=kind)
        steps: list[tuple[int, int]] = []
        with shop.store.pin() as view:
            scores = category_scores(view, "v", k=10, on_step=lambda *step: steps.append(step))
    assert scores.share == pytest.approx(2 / 6)
    assert scores.first == pytest.approx(2 / 3)
    assert scores.found == pytest.approx(2 / 3)
    assert scores.chance == pytest.approx(2 / 6)
    assert (scores.items, scores.k) == (3, 10)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_items_without_a_vector_are_left_out(tmp_path: Path) -> None:
    """A lens that only some items have a vector for is measured on those; none is an error."""
    with mitame.open(tmp_path, lenses={"v": "vectors:1:euclidean", "w": "vectors:1"}) as shop:
        for name, place, kind in (("p", 0.0, "a"), ("q", 1.0, "a"), ("r", 10.0, "b")):
            shop.add(name, vector=[place], category=kind)
        shop.add("s", vectors={"w": [1.0]}, category="a")
        with shop.store.pin() as view:
            assert category_scores(view, "v").items == 3
            with pytest.raises(UsageError, match="no item has neighbours"):
                category_scores(view, "w")
