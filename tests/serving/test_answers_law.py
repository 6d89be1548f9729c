"""The law of kept answers: at every moment they are what would be found anew, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.collection import Patch
from mitame.errors import CollectionBusy, ItemNotFound
from mitame.serving.product import answers, similar_question
from mitame.serving.product.answers import Answers
from mitame.serving.product.searched import near_item
from mitame.serving.product.similar_question import Question, question_of
from mitame.wire.similar import SimilarFields
from tests.serving.changing_shop import ITEMS, LENSES, NAME, Shop

SEEDS = (0,)
"""More of them are for whoever changes what this is about."""


@pytest.fixture(params=[(name, seed) for name in LENSES for seed in SEEDS], ids=str)
def shop(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    name, seed = request.param
    if name.startswith("whole"):  # so that an answer soon has no more than is told of it
        monkeypatch.setattr(similar_question, "SPARE", 1)
    rng = np.random.default_rng([seed, *name.encode()])
    made = Shop(tmp_path / NAME, *LENSES[name], rng, Answers(tmp_path, 10_000_000))

    def counted(*arguments: Any) -> Any:
        found = near_item(*arguments)
        made.ways["searched"] = made.ways.get("searched", 0) + (found is not None)
        return found

    monkeypatch.setattr(answers, "near_item", counted)
    made.writer.append([made.put(str(number)) for number in range(ITEMS)])
    made.writer.merge()
    yield made
    made.close()


def questions(rng: np.random.Generator) -> list[Question]:
    """Plain ones of several lengths, with filters, with a threshold."""
    name = str(rng.integers(4))
    return [
        Question(name),
        Question(name, 30),
        Question(name, 95),
        question_of(name, SimilarFields(limit=5, lens="look", category="mug", filter="price<60")),
        question_of(name, SimilarFields(limit=5, score_threshold=-50.0)),
    ]


def test_kept_answers_are_right(shop: Shop) -> None:
    """Whatever others do, an answer that is kept equals the one found anew, byte for byte."""
    for _ in range(110):
        try:
            shop.change()
        except CollectionBusy:
            continue
        for question in questions(shop.rng):
            try:
                right = shop.anew(question)
            except ItemNotFound:
                key = (repr(question).encode(), b"")
                assert shop.answers.right(key) is None
                assert shop.answers.at_once(NAME, question, key) is None
                continue
            given = shop.kept(question)
            assert given.position == right.position
            assert given.parts.body("q", 0.0, given.position) == right.parts.body(
                "q", 0.0, right.position
            ), (question, shop.ways)
            assert given.parts.etag == right.parts.etag
    # Otherwise this would prove nothing about the ways that are not taken.
    for way in ("kept", "brought forward", "told anew", "at once", "found"):
        assert shop.ways.get(way, 0) > 5, shop.ways


def test_items_that_are_newer_than_the_snapshot(shop: Shop) -> None:
    """What is found for them by a short search is what the library finds, byte for byte."""
    shop.kept(Question("1", 3))
    for _ in range(60):
        name = str(shop.rng.choice(["1", "2", "new-1", "new-2"]))
        shop.writer.append([shop.put(name)])
        shop.kept(Question("3", 3))
        question = Question(name, int(shop.rng.integers(1, 8)))
        given, right = shop.kept(question), shop.anew(question)
        assert given.parts == right.parts, (question, shop.ways)
        assert given.position == right.position
    assert shop.ways["searched"] > 10, shop.ways


def test_few_are_kept(tmp_path: Path) -> None:
    """Memory is bounded: those that were used longest ago go first, and 0 keeps none."""
    rng = np.random.default_rng(5)
    made = Shop(tmp_path / NAME, "vectors:4", 4, rng, Answers(tmp_path, 40_000))
    made.writer.append([made.put(str(number)) for number in range(ITEMS)])
    made.writer.merge()
    for number in range(ITEMS):
        made.kept(Question(str(number)))
        assert made.answers.bytes <= 40_000
    assert 5 < len(made.answers) < ITEMS
    assert made.answers.right((repr(Question("0")).encode(), b"")) is None
    last = (repr(Question(str(ITEMS - 1))).encode(), b"")
    assert made.answers.right(last) is not None
    made.close()
    assert made.answers.bytes == 0
    assert Answers(tmp_path, 0).ticket(NAME) is None


@pytest.mark.parametrize("others", [0, 5])
def test_an_answer_that_grows_past_the_bound(tmp_path: Path, others: int) -> None:
    """The one used longest ago is told anew, longer than there is room for: it is given all the
    same, and others go first."""
    rng = np.random.default_rng(7)
    made = Shop(tmp_path / NAME, "vectors:4", 4, rng, Answers(tmp_path, 1_000_000), images=(1,))
    made.writer.append([made.put(str(number)) for number in range(ITEMS)])
    made.writer.merge()
    question = Question("1")
    made.kept(question)
    for number in range(others):
        made.kept(Question(str(10 + number)))
    made.answers._most = made.answers.bytes
    near = made.anew(question).parts.told()[0]
    made.writer.append([Patch(near, attributes={"price": 1, "title": "long " * 50})])
    before = len(made.answers)
    given = made.answers.right((repr(question).encode(), b""))
    assert given is not None
    assert given[0].parts == made.anew(question).parts
    assert len(made.answers) < before
    assert made.answers.bytes <= made.answers._most
    assert (made.answers.right((repr(question).encode(), b"")) is not None) == (others > 0)
    made.close()


def test_dropped_and_made_again(tmp_path: Path) -> None:
    """Answers of a collection that was dropped are not those of the next of its name."""
    rng = np.random.default_rng(6)
    made = Shop(tmp_path / NAME, "vectors:4", 4, rng, Answers(tmp_path, 1_000_000))
    made.writer.append([made.put(str(number)) for number in range(ITEMS)])
    made.writer.merge()
    question = Question("1")
    key = (repr(question).encode(), b"")
    made.kept(question)
    assert made.answers.right(key) is not None
    made.writer.close()
    made.reader.close()
    (tmp_path / NAME).rename(tmp_path / "gone")
    assert made.answers.right(key) is None
    again = Shop(tmp_path / NAME, "vectors:4", 4, rng, made.answers)
    again.writer.append([again.put(str(number)) for number in range(ITEMS)])
    again.writer.merge()
    assert made.answers.right(key) is None
    assert again.kept(question).parts == again.anew(question).parts
    assert again.kept(question).parts == again.anew(question).parts
    assert again.ways["kept"] == 1
    again.close()
