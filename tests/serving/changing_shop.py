"""A collection that changes in every way there is, and the answers that a worker keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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
from mitame.errors import ItemNotFound
from mitame.lenses import new_lenses
from mitame.serving.product.answers import Answers
from mitame.serving.product.followed import lists_of
from mitame.serving.product.kept import Kept, fitting
from mitame.serving.product.similar_body import Parts
from mitame.serving.product.similar_question import Question, find

NAME = "shop"
ITEMS = 60


@dataclass
class Shop:
    """A collection that is written to through one store and asked through another."""

    path: Path
    lens: str
    dimension: int
    rng: np.random.Generator
    answers: Answers
    images: tuple[int, ...] = (1, 1, 1, 2)
    """How many an item may have."""
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
        count = int(self.rng.choice(self.images))
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
            made = Kept(question, searched, ticket.epoch, fitting(sketcher, searched))
            lists = lists_of(view, searched.lens)
        if self.answers.offer(ticket, lists, sketcher):
            self.answers.keep(key, made, ticket.followed)
            lens = ticket.followed.lists("look")
            if lens is not None:
                lens[2].measured(0.0)  # searches are quick here
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
