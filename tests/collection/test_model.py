"""A collection against a plain dictionary: any sequence of changes, reopened at any time."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mitame.collection import (
    Attribute,
    Item,
    ItemImage,
    Patch,
    Put,
    Relocate,
    Remove,
    create,
    open_store,
)
from mitame.distances import exact
from mitame.errors import ItemExists, ItemNotFound
from mitame.filters import Filter, Match, parse
from mitame.search import Query, search, similar
from tests.collection.made import COLOR, LOOK, image, noise

IDS = st.sampled_from([f"i{n}" for n in range(8)])
CATEGORIES = st.sampled_from([None, "mug", "cup"])
ATTRIBUTES: st.SearchStrategy[dict[str, Attribute]] = st.dictionaries(
    st.sampled_from(["n", "m"]), st.sampled_from([0, 1, True, "1", None]), max_size=2
)
SEEDS = st.lists(st.integers(1, 12), min_size=1, max_size=3)
WHERE = [None, parse("category=mug"), parse("n=1,m!=0"), Filter((), (Match("category", (None,)),))]


class AgainstADictionary(RuleBasedStateMachine):
    """Every rule does the same to both; every invariant asks both the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model: dict[str, Item] = {}
        self.position = 0

    @initialize()
    def make(self) -> None:
        self.store = create(self.folder / "shop", [LOOK, COLOR])
        self.reader = open_store(self.store.path)

    def teardown(self) -> None:
        self.store.close()
        self.reader.close()
        shutil.rmtree(self.folder)

    @rule(
        entries=st.lists(st.tuples(IDS, SEEDS, CATEGORIES, ATTRIBUTES), min_size=1, max_size=4),
    )
    def put(self, entries: list[tuple[str, list[int], str | None, dict[str, Attribute]]]) -> None:
        """Add or replace several at once; the later of one id counts."""
        items = [
            Item(item_id, category, attributes, tuple(map(image, seeds)))
            for item_id, seeds, category, attributes in entries
        ]
        self._append([Put(item) for item in items])
        self.model.update({item.id: item for item in items})

    @rule(item_id=IDS, seeds=SEEDS)
    def create_only(self, item_id: str, seeds: list[int]) -> None:
        """Adds, or is refused."""
        item = Item(item_id, images=tuple(map(image, seeds)))
        try:
            self.store.append([Put(item, create_only=True)])
        except ItemExists:
            assert item_id in self.model
        else:
            assert item_id not in self.model
            self.position += 1
            self.model[item_id] = item

    @rule(item_id=IDS, category=CATEGORIES, attributes=ATTRIBUTES)
    def patch(self, item_id: str, category: str | None, attributes: dict[str, Attribute]) -> None:
        """Changes both, or is refused."""
        try:
            self.store.append([Patch(item_id, category, attributes)])
        except ItemNotFound:
            assert item_id not in self.model
        else:
            self.position += 1
            self.model[item_id] = Item(item_id, category, attributes, self.model[item_id].images)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), new_id=IDS)
    def relocate(self, data: st.DataObject, new_id: str) -> None:
        """Moves one image of an item, or is refused where the id is taken."""
        item = self.model[data.draw(st.sampled_from(sorted(self.model)))]
        n = data.draw(st.integers(0, len(item.images) - 1))
        moved = item.images[n]
        change = Relocate(item.id, new_id, "/moved", 5, 6, moved.content_hash)
        try:
            self.store.append([change])
        except ItemExists:
            assert new_id in self.model
            assert new_id != item.id
            return
        self.position += 1
        first = next(i for i, x in enumerate(item.images) if x.content_hash == moved.content_hash)
        images = list(item.images)
        images[first] = _moved(images[first])
        del self.model[item.id]
        self.model[new_id] = Item(new_id, item.category, item.attributes, tuple(images))

    @rule(item_id=IDS, other=IDS)
    def remove(self, item_id: str, other: str) -> None:
        """Removes two or, where one of them is not there, none."""
        try:
            self.store.append([Remove(item_id), Remove(other)])
        except ItemNotFound:
            assert item_id == other or not {item_id, other} <= self.model.keys()
        else:
            self.position += 2
            del self.model[item_id], self.model[other]

    @rule()
    def reopen(self) -> None:
        """Nothing changes by closing and opening."""
        self.store.close()
        self.store = open_store(self.folder / "shop")

    @rule()
    def check(self) -> None:
        """The files agree with each other."""
        assert self.store.check() == []

    @invariant()
    def items_are_equal(self) -> None:
        """Fields, images and vectors of every item; the reader is another connection."""
        for store in (self.store, self.reader):
            with store.pin() as view:
                assert view.position == self.position
                found = {item.id: item for item in view.items()}
                assert list(found) == sorted(self.model)
                for item_id, item in self.model.items():
                    assert repr(found[item_id]) == repr(_without_vectors(item))
                    stored = view.vectors(item_id, "look")
                    np.testing.assert_array_equal(stored, [x.vectors["look"] for x in item.images])

    @invariant()
    def answers_are_equal(self) -> None:
        """Search with every filter is brute force over the dictionary."""
        with self.store.pin() as view:
            for where in WHERE:
                passing = self._passing(where)
                assert view.count(where) == len(passing)
                answer = search(view, Query("look", noise(1)[None], 3, where))
                assert [(n.distance, n.id) for n in answer.neighbors] == _nearest(passing, 3)
                assert answer.complete == (len(passing) >= 3)
            for item_id in sorted(self.model)[:2]:
                assert item_id not in {n.id for n in similar(view, item_id).neighbors}

    def _passing(self, where: Filter | None) -> list[Item]:
        return [
            item
            for item in self.model.values()
            if where is None or where.matches(item.category, item.attributes)
        ]

    def _append(self, changes: list[Put]) -> None:
        self.position += len(changes)
        assert self.store.append(changes) == self.position


def _moved(old: ItemImage) -> ItemImage:
    return ItemImage(
        old.vectors, old.content_hash, "/moved", 5, 6, old.width, old.height, old.format
    )


def _without_vectors(item: Item) -> Item:
    images = tuple(
        ItemImage({}, i.content_hash, i.source, i.size, i.modified_ns, i.width, i.height, i.format)
        for i in item.images
    )
    return Item(item.id, item.category, item.attributes, images)


def _nearest(items: list[Item], limit: int) -> list[tuple[float, str]]:
    query = noise(1)
    found = []
    for item in items:
        rows = np.stack([x.vectors["look"] for x in item.images])
        found.append((float(exact(query, rows, "cosine").min()), item.id))
    return sorted(found)[:limit]


TestAgainstADictionary = AgainstADictionary.TestCase
TestAgainstADictionary.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
