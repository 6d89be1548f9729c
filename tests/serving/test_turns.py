"""A collection is looked at once in a turn of the event loop, and no answer is older than that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.collection.following import Following
from mitame.serving.product.answers import Answers
from tests.serving.changing_shop import NAME, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(
        tmp_path / NAME, "vectors:4", 4, np.random.default_rng(3), Answers(tmp_path, 10_000_000)
    )
    made.writer.append([made.put("a"), made.put("b")])
    assert made.answers.ticket(NAME) is not None
    yield made
    made.close()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The positions that were seen."""
    seen: list[int] = []
    look = Following.look

    def noted(self: Following) -> int:
        seen.append(look(self))
        return seen[-1]

    monkeypatch.setattr(Following, "look", noted)
    return seen


def position(shop: Shop) -> int:
    followed = shop.answers.now(NAME)
    assert followed is not None
    return followed.following.position


def run(*calls: Callable[[], Any]) -> list[Any]:
    """Each in a callback of its own, all in one turn."""

    async def all_of_them() -> list[Any]:
        found: list[Any] = []
        for call in calls:
            asyncio.get_running_loop().call_soon(lambda each: found.append(each()), call)
        await asyncio.sleep(0.05)
        return found

    return asyncio.run(all_of_them())


def test_one_look_for_all_of_a_turn(shop: Shop, looks: list[int]) -> None:
    """What came together costs one look."""
    assert run(*[lambda: position(shop)] * 5) == [2] * 5
    assert len(looks) == 1


def test_what_is_asked_after_a_write_sees_it(shop: Shop) -> None:
    """Whoever asks once a write was acknowledged, in whatever turn that was, gets to know of it."""

    async def ask() -> list[int]:
        found: list[int] = []
        for _ in range(5):
            await asyncio.sleep(0)
            position(shop)  # somebody else, in the turn of the write
            shop.writer.append([shop.put("c")])
            asyncio.get_running_loop().call_soon(lambda: found.append(position(shop)))
        await asyncio.sleep(0.05)
        return found

    assert asyncio.run(ask()) == [3, 4, 5, 6, 7]


def test_without_an_event_loop_each_looks(shop: Shop, looks: list[int]) -> None:
    """There are no turns."""
    assert position(shop) == 2
    shop.writer.append([shop.put("c")])
    assert position(shop) == 3
    assert looks == [2, 3]


def test_one_that_is_lost_is_lost_in_the_same_turn(shop: Shop) -> None:
    """Nobody goes on with a collection that somebody else has found gone."""
    before = shop.answers.now(NAME)
    assert before is not None

    def lose() -> None:
        shop.answers._lose(before)

    found = run(lambda: shop.answers.now(NAME), lose, lambda: shop.answers.now(NAME))
    assert found == [before, None, None]
