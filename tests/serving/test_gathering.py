"""Questions by vector that come together are answered as each would be alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.serving.product import gathering, pace
from mitame.serving.product.answers import Answers
from mitame.serving.product.gathering import MOST, Gathering
from mitame.serving.product.learning import learnt, opened
from mitame.serving.product.searched import NearVector, near_vectors
from mitame.serving.product.vector_question import VectorQuestion
from tests.serving.changing_shop import NAME, Shop

DIMENSION = 8


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """One whose lens is searched on the event loop, however slow this machine is."""
    monkeypatch.setattr(pace, "AT_ONCE", 1e9)
    rng = np.random.default_rng(5)
    made = Shop(tmp_path / NAME, f"vectors:{DIMENSION}", DIMENSION, rng, Answers(tmp_path, 10**7))
    made.writer.append([made.put(str(number)) for number in range(60)])
    made.writer.merge()
    ticket = made.answers.ticket(NAME)
    assert ticket is not None
    found = opened(made.answers, ticket, made.reader, None, np.ones(DIMENSION, np.float32))
    assert found is not None
    learnt(made.answers, ticket, *found)
    yield made
    made.close()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each search had."""
    counts: list[int] = []

    def counted(followed: Any, vectors: Any, *rest: Any) -> Sequence[NearVector | None]:
        counts.append(len(vectors))
        return near_vectors(followed, vectors, *rest)

    monkeypatch.setattr(gathering, "near_vectors", counted)
    return counts


def questions(count: int, limit: int = 5, lens: str | None = None) -> list[VectorQuestion]:
    vectors = np.random.default_rng(count).standard_normal((count, DIMENSION)).astype(np.float32)
    return [VectorQuestion(vector, limit, lens) for vector in vectors]


def together(
    shop: Shop, asked: Sequence[VectorQuestion], names: Sequence[str] | None = None
) -> list[Any]:
    """Answers, or what was raised, of questions that come at the same moment."""

    async def ask() -> list[Any]:
        gathered = Gathering(shop.answers)
        of = names or [NAME] * len(asked)
        calls = [gathered.near(name, each) for name, each in zip(of, asked, strict=True)]
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(ask())


def ids(found: NearVector | None) -> list[str] | None:
    return None if found is None else [item.id for item, _ in found.told]


def test_one_search_for_all(shop: Shop, searches: list[int]) -> None:
    """Those that come in one turn are one search, and each is answered its own neighbours."""
    asked = questions(10)
    found = together(shop, asked)
    assert searches == [10]
    for each, answered in zip(asked, found, strict=True):
        alone = together(shop, [each])[0]
        assert ids(answered) == ids(alone) is not None
        assert [away for _, away in answered.told] == [away for _, away in alone.told]


def test_no_search_is_too_large(
    shop: Shop, searches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search takes so many questions at most, whoever else waits."""
    monkeypatch.setattr(gathering, "_TURN", 1e9)
    found = together(shop, questions(2 * MOST + 3))
    assert searches == [MOST, MOST, 3]
    assert None not in found


def test_others_get_their_turn(
    shop: Shop, searches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while the event loop does something else, before more are searched."""
    monkeypatch.setattr(gathering, "_TURN", 0.0)
    seen: list[int] = []

    async def ask() -> list[Any]:
        gathered = Gathering(shop.answers)
        calls = [asyncio.ensure_future(gathered.near(NAME, each)) for each in questions(70)]
        while not all(call.done() for call in calls):
            seen.append(sum(searches))
            await asyncio.sleep(0)
        return [call.result() for call in calls]

    assert None not in asyncio.run(ask())
    assert len(set(seen)) > 10
    assert max(searches) == 1  # no more than there is time for


def test_a_slow_lens_takes_fewer_at_once(shop: Shop, searches: list[int]) -> None:
    """As many as are likely to end in a turn."""
    followed = shop.answers.now(NAME)
    assert followed is not None
    held = followed.lists(None)
    assert held is not None
    held[2].measured(gathering._TURN / 2.5)
    assert None not in together(shop, questions(6))
    assert searches[0] == 2


def test_different_questions_are_searched_apart(shop: Shop, searches: list[int]) -> None:
    """Another limit, lens, dimension or collection: another search, and nothing mixed up."""
    short = VectorQuestion(np.ones(3, np.float32), 5, None)
    asked = [*questions(2), *questions(3, limit=2), *questions(1, lens="look"), short, short]
    found = together(shop, asked, [NAME] * 7 + ["other"])
    assert sorted(searches) == [1, 1, 2, 3]
    assert [len(each.told) for each in found[:6]] == [5, 5, 2, 2, 2, 5]
    assert found[6:] == [None, None]  # the router has the words for it


def test_a_vector_that_is_none_leaves_the_others(shop: Shop, searches: list[int]) -> None:
    """The router tells what is wrong with it."""
    odd = VectorQuestion(np.full(DIMENSION, np.nan, np.float32), 5, None)
    asked = [questions(2)[0], odd, questions(2)[1]]
    found = together(shop, asked)
    assert searches == [2]
    assert [each is None for each in found] == [False, True, False]
    assert ids(found[2]) == ids(together(shop, asked[2:])[0])
    assert together(shop, [odd]) == [None]


def test_who_is_gone_is_not_searched_for(shop: Shop, searches: list[int]) -> None:
    """A client that went away before its turn costs nothing, and the others are answered."""

    async def ask() -> list[Any]:
        gathered = Gathering(shop.answers)
        calls = [asyncio.ensure_future(gathered.near(NAME, each)) for each in questions(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(ask())
    assert isinstance(found[1], asyncio.CancelledError)
    assert ids(found[0]) == ids(together(shop, questions(3)[:1])[0])
    assert ids(found[2]) is not None
    assert searches[0] == 2


def test_a_defect_is_told_to_all_of_them(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever, and what comes later is answered."""

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(gathering, "near_vectors", broken)
        found = together(shop, questions(3))
        assert [type(each) for each in found] == [ZeroDivisionError] * 3
    assert None not in together(shop, questions(3))
