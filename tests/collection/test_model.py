"""A collection against a plain dictionary: any sequence of changes, merges, rollbacks and cuts.

The files are on a faulty disk; at a cut, the machine goes on with what the disk shows then.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
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
    Attach,
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
from mitame.testing.faults import FaultyDirectory, PowerCut
from tests.collection.made import COLOR, LOOK, image, noise
from tests.collection.workloads import quick_folder

EXAMPLES = int(os.environ.get("MITAME_MODEL_EXAMPLES", "160"))  # of up to 25 steps
IDS = st.sampled_from([f"i{n}" for n in range(8)])
CATEGORIES = st.sampled_from([None, "mug", "cup"])
ATTRIBUTES: st.SearchStrategy[dict[str, Attribute]] = st.dictionaries(
    st.sampled_from(["n", "m"]), st.sampled_from([0, 1, True, "1", None]), max_size=2
)
SEED = st.integers(1, 12)
SEEDS = st.lists(st.integers(1, 12), min_size=1, max_size=3)
WHERE = [None, parse("category=mug"), parse("n=1,m!=0"), Filter((), (Match("category", (None,)),))]


class AgainstADictionary(RuleBasedStateMachine):
    """Every rule does the same to both; every invariant asks both the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = quick_folder()
        self.model: dict[str, Item] = {}
        self.position = 0
        self.cuts = 0
        self.is_begun = False  # a merge was cut: the next one goes on from its moment, not now

    @initialize()
    def make(self) -> None:
        self.segments = pytest.MonkeyPatch()
        self.segments.setattr("mitame.collection.log.SEGMENT_BYTES", 64)
        self.segments.setattr("mitame.collection.log._LEAST_ROOM", 64)
        path = self.folder / "shop"
        create(path, [LOOK, COLOR]).close()
        self._open(path)

    def _open(self, path: Path) -> None:
        self.disk = FaultyDirectory(path)
        self.store = open_store(path, directory=self.disk)
        self.reader = open_store(path)

    def teardown(self) -> None:
        self.store.close()
        self.reader.close()
        self.segments.undo()
        shutil.rmtree(self.folder)

    @rule(keep=st.integers(1, 3))
    def merge(self, keep: int) -> None:
        """Nothing that can be asked changes; the snapshot has everything."""
        numbers = [info.number for info in self.store.generations()]
        made = self.store.merge(keep=keep)
        if made is not None:
            assert made > max(numbers, default=0)
            assert self.store.delta().items == 0 or self.is_begun
            self.is_begun = False
        kept = [info.number for info in self.store.generations()]
        assert len(kept) <= keep + 2  # one more may be served, and one be pinned by the reader

    @precondition(lambda self: self.store.generations())
    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        """Nothing that can be asked changes."""
        number = data.draw(st.sampled_from([g.number for g in self.store.generations()]))
        self.store.rollback(number)
        with self.store.pin() as view:
            assert view.generation == number

    @precondition(lambda self: self.model)
    @rule(data=st.data(), seed=st.integers(1, 12))
    def attach(self, data: st.DataObject, seed: int) -> None:
        """Another vector for the images of an item with the same bytes; all else stays."""
        item = self.model[data.draw(st.sampled_from(sorted(self.model)))]
        meant = data.draw(st.sampled_from(item.images)).content_hash
        self.store.append([Attach(item.id, meant, {"look": noise(seed)})])
        self.position += 1
        images = tuple(
            replace(i, vectors={"look": noise(seed)}) if i.content_hash == meant else i
            for i in item.images
        )
        self.model[item.id] = replace(item, images=images)

    @rule(calls=st.integers(1, 60), what=st.sampled_from(["put", "merge", "rollback"]), seed=SEED)
    def power_cut(self, calls: int, what: str, seed: int) -> None:
        """In the middle of something, at a random call: it is done, or nothing of it is."""
        self.disk.faults.cut_at = len(self.disk.faults.calls) + calls
        self.disk.faults.effect = "garbage"
        items, is_cut = [Item(f"i{n}", "mug", {}, (image(seed + n),)) for n in range(3)], False
        try:
            if what == "put":
                self.store.append(list(map(Put, items)))
            elif what == "merge":
                self.store.merge(keep=1)
            elif numbers := [info.number for info in self.store.generations()]:
                self.store.rollback(numbers[0])
            self.disk.faults.cut_at = None
        except PowerCut:
            is_cut = True
            self.is_begun |= what == "merge"
            self._power_is_back(seed)
        with self.store.pin() as view:
            done = view.position != self.position
        assert done == (what == "put") or (is_cut and not done)
        if done:
            self.position += len(items)
            self.model.update({item.id: item for item in items})

    def _power_is_back(self, seed: int) -> None:
        self.cuts += 1
        path = self.folder / f"after-{self.cuts}"
        self.disk.durable_copy(path, unsynced_bytes="random", unsynced_names="random", seed=seed)
        self.store.close()
        self.reader.close()
        self._open(path)

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
        path = self.store.path
        self.store.close()
        self.reader.close()
        self._open(path)

    @rule()
    def check(self) -> None:
        """All is well."""
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
TestAgainstADictionary.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=25, deadline=None
)
