"""The law of kept answers: at every moment they are what would be found anew, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from mitame.collection import (
    Attach,
    Change,
    Item,
    ItemImage,
    Patch,
    Put,
    Relocate,
    Remove,
    Store,
    create,
    open_store,
)
from mitame.errors import CollectionBusy, ItemNotFound
from mitame.lenses import new_lenses
from mitame.serving.product import similar_question
from mitame.serving.product.answers import Answers
from mitame.serving.product.followed import lists_of
from mitame.serving.product.kept import Kept, sketched
from mitame.serving.product.similar_body import Parts
from mitame.serving.product.similar_question import Question, find, question_of
from mitame.wire.similar import SimilarFields

NAME = "shop"
SEEDS = (0,)
"""More of them are for whoever changes what this is about."""
ITEMS = 60


@dataclass
class Shop:
    """A collection that is written to through one store and asked through another."""

    path: Path
    lens: str
    dimension: int
    rng: np.random.Generator
    answers: Answers
    writer: Store = field(init=False)
    reader: Store = field(init=False)
    ways: dict[str, int] = field(default_factory=dict)
    last: dict[int, tuple[int, Parts]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        create(self.path, new_lenses({"look": self.lens})).close()
        self.writer, self.reader = open_store(self.path), open_store(self.path)

    def close(self) -> None:
        self.answers.close()
        self.writer.close()
        self.reader.close()

    def vector(self) -> np.ndarray:
        """One of few values, so that items tie; sometimes a copy of many."""
        vector = self.rng.integers(-2, 3, self.dimension).astype(np.float32)
        vector[0] += 4
        if self.rng.random() < 0.3:
            vector[:] = 1
            vector[int(self.rng.integers(self.dimension))] = int(self.rng.integers(3))
        return vector

    def put(self, name: str) -> Put:
        count = int(self.rng.choice([1, 1, 1, 2]))
        images = [
            ItemImage({"look": self.vector()}, content_hash=f"{name}-{number}")
            for number in range(count)
        ]
        kind = str(self.rng.choice(["mug", "cup"]))
        return Put(Item(name, kind, {"price": int(self.rng.integers(100))}, tuple(images)))

    def change(self) -> None:
        """Something, by another connection than the one that is asked through."""
        name = str(self.rng.integers(ITEMS))
        kind = self.rng.choice(
            ["put", "new", "patch", "remove", "merge", "rollback", "relocate", "attach"],
            p=[0.35, 0.2, 0.2, 0.16, 0.04, 0.02, 0.01, 0.02],
        )
        if kind == "merge":
            self.writer.merge(keep=3)
        elif kind == "rollback":
            numbers = [each.number for each in self.writer.generations()]
            if numbers:
                self.writer.rollback(int(self.rng.choice(numbers)))
        else:
            self._append(self._change(str(kind), name))

    def _change(self, kind: str, name: str) -> Change:
        if kind == "put":
            return self.put(name)
        if kind == "new":
            return self.put(f"new-{self.rng.integers(30)}")
        if kind == "patch":
            return Patch(name, category=str(self.rng.choice(["mug", "cup"])))
        if kind == "relocate":
            return Relocate(name, f"moved-{name}", "a.jpg", content_hash=f"{name}-0")
        if kind == "attach":
            return Attach(name, f"{name}-0", {"look": self.vector()})
        return Remove(name)

    def _append(self, change: Change) -> None:
        try:
            self.writer.append([change])
        except ItemNotFound:
            self.writer.append([self.put(str(self.rng.integers(ITEMS)))])

    def kept(self, question: Question) -> Kept:
        """As the server answers."""
        key = (repr(question).encode(), b"")
        held = self.answers.right(key)
        if held is not None:
            self._count("kept")
            position, parts = self.last.get(id(held[0]), (held[0].position, held[0].parts))
            if held[0].position != position:
                self._count("brought forward")
            if held[0].parts is not parts:
                self._count("told anew")
            self._remember(held[0])
            return held[0]
        found = self.answers.at_once(NAME, question, key)
        if found is not None:
            self._count("at once")
            self._remember(found)
            return found
        self._count("found")
        ticket = self.answers.ticket(NAME)
        assert ticket is not None
        with self.reader.pin() as view:
            searched = find(view, NAME, question)
            sketcher = self.answers.sketcher(ticket, view, searched.lens)
            made = Kept(question, searched, ticket.epoch, sketched(sketcher, searched))
            lists = lists_of(view, searched.lens)
        if self.answers.offer(ticket, lists, sketcher):
            self.answers.keep(key, made, ticket.followed)
        self._remember(made)
        return made

    def anew(self, question: Question) -> Kept:
        """What is right."""
        with self.reader.pin() as view:
            return Kept(question, find(view, NAME, question), 0, None)

    def _remember(self, kept: Kept) -> None:
        self.last[id(kept)] = kept.position, kept.parts

    def _count(self, way: str) -> None:
        self.ways[way] = self.ways.get(way, 0) + 1


LENSES = {
    "whole, cosine": ("vectors:4", 4),
    "whole, euclidean": ("vectors:4:euclidean", 4),
    "whole, inner product": ("vectors:4:inner_product", 4),
    "sketched, cosine": ("vectors:70", 70),
    "sketched, euclidean": ("vectors:70:euclidean", 70),
    "sketched, inner product": ("vectors:70:inner_product", 70),
}


@pytest.fixture(params=[(name, seed) for name in LENSES for seed in SEEDS], ids=str)
def shop(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    name, seed = request.param
    if name.startswith("whole"):  # so that an answer soon has no more than is told of it
        monkeypatch.setattr(similar_question, "SPARE", 1)
    rng = np.random.default_rng([seed, *name.encode()])
    made = Shop(tmp_path / NAME, *LENSES[name], rng, Answers(tmp_path, 10_000_000))
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
