"""Random calls: on the disk, in memory and wrapped, directories do what a nested dict does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mitame.errors import CorruptCollection, MitameError, StorageError
from mitame.storage import Directory, LocalDirectory, MemoryDirectory
from mitame.testing.faults import FaultyDirectory

Tree: TypeAlias = "dict[str, bytes | Tree]"
NAMES = st.sampled_from(["a", "b", "c"])
PLACES = st.lists(NAMES, max_size=2)
CONTENT = st.binary(max_size=20)
Answer: TypeAlias = object


def answer(call: Callable[[], Answer]) -> Answer:
    """What a call returns, or the type of the error that it raises."""
    try:
        return call()
    except MitameError as error:
        return type(error)


def tree_of(directory: Directory) -> Tree:
    """All that is in a directory, as the model has it."""
    tree: Tree = {}
    for name in directory.names():
        try:
            tree[name] = tree_of(directory.child(name, make=False))
        except CorruptCollection:
            tree[name] = directory.read(name, limit=1000)
    return tree


class Directories(RuleBasedStateMachine):
    """The same call on each directory; `model` says what the answer has to be."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        for name in ("local", "faulty"):
            (self.folder / name).mkdir()
        self.model: Tree = {}
        self.faulty = FaultyDirectory(self.folder / "faulty")
        local = LocalDirectory(self.folder / "local")
        self.directories: list[Directory] = [local, MemoryDirectory(), self.faulty]

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        kept, synced = self.folder / "kept", self.folder / "synced"
        self.faulty.durable_copy(kept, unsynced_bytes="kept", unsynced_names="kept")
        assert tree_of(LocalDirectory(kept)) == self.model
        sync_all(self.faulty, self.model)
        self.faulty.durable_copy(synced)
        assert tree_of(LocalDirectory(synced)) == self.model
        shutil.rmtree(self.folder)

    def check(
        self, place: list[str], expected: Answer, call: Callable[[Directory], Answer]
    ) -> None:
        """Each directory gives the expected answer to a call in a folder inside."""
        for directory in self.directories:

            def in_place(found: Directory = directory) -> Answer:
                for step in place:
                    found = found.child(step, make=False)
                return call(found)

            assert answer(in_place) == expected, directory

    def at(self, place: list[str]) -> Tree | None:
        """The model's folder, or None where there is none."""
        tree = self.model
        for step in place:
            inside = tree.get(step)
            if not isinstance(inside, dict):
                return None
            tree = inside
        return tree

    @rule(place=PLACES, name=NAMES, content=CONTENT)
    def create(self, place: list[str], name: str, content: bytes) -> None:
        def call(directory: Directory) -> None:
            with directory.create(name) as output:
                output.write(content[:7])
                output.write(content[7:])
                output.sync()

        tree, expected = self.at(place), None
        if tree is None:
            self.check(place, CorruptCollection, call)
        elif name in tree:
            self.check(place, StorageError, call)
        else:
            tree[name] = content
            self.check(place, expected, call)

    @rule(place=PLACES, name=NAMES, content=CONTENT)
    def replace(self, place: list[str], name: str, content: bytes) -> None:
        tree = self.at(place)
        expected = None if tree is not None and fits(tree, name, bytes) else CorruptCollection
        if tree is not None and expected is None:
            tree[name] = content
        self.check(place, expected, lambda directory: directory.replace(name, content))

    @rule(place=PLACES, name=NAMES, content=CONTENT, offset=st.integers(0, 30))
    def write_at(self, place: list[str], name: str, content: bytes, offset: int) -> None:
        def call(directory: Directory) -> None:
            with directory.region(name) as region:
                region.write_at(offset, content)
                region.sync()

        tree = self.at(place)
        expected = None if tree is not None and fits(tree, name, bytes) else CorruptCollection
        if tree is not None and expected is None:
            old = tree.get(name, b"")
            assert isinstance(old, bytes)
            padded = old.ljust(offset, b"\0") if content else old  # no bytes, no growth
            tree[name] = padded[:offset] + content + padded[offset + len(content) :]
        self.check(place, expected, call)

    @rule(place=PLACES, old=NAMES, new=NAMES)
    def rename(self, place: list[str], old: str, new: str) -> None:
        tree = self.at(place)
        expected: Answer = None
        if tree is None or old not in tree:
            expected = CorruptCollection
        elif new in tree:
            expected = StorageError
        else:
            tree[new] = tree.pop(old)
        self.check(place, expected, lambda directory: directory.rename(old, new))

    @rule(place=PLACES, name=NAMES)
    def remove(self, place: list[str], name: str) -> None:
        tree = self.at(place)
        if tree is not None:
            tree.pop(name, None)
        expected = CorruptCollection if tree is None else None
        self.check(place, expected, lambda directory: directory.remove(name))

    @rule(place=PLACES, name=NAMES, limit=st.integers(0, 30))
    def read(self, place: list[str], name: str, limit: int) -> None:
        tree = self.at(place)
        content = None if tree is None else tree.get(name)
        found = isinstance(content, bytes)
        fine = found and len(content or b"") <= limit
        self.check(
            place,
            content if fine else CorruptCollection,
            lambda directory: directory.read(name, limit=limit),
        )
        self.check(
            place,
            content if found else CorruptCollection,
            lambda directory: bytes(directory.map(name)),
        )

    @rule(place=PLACES, name=NAMES, make=st.booleans())
    def child(self, place: list[str], name: str, make: bool) -> None:
        tree = self.at(place)
        good = tree is not None and fits(tree, name, dict) and (make or name in tree)
        if tree is not None and good:
            tree.setdefault(name, {})
        self.check(
            place,
            None if good else CorruptCollection,
            lambda directory: directory.child(name, make=make) and None,
        )

    @rule(place=PLACES)
    def sync(self, place: list[str]) -> None:
        expected = CorruptCollection if self.at(place) is None else None
        self.check(place, expected, lambda directory: directory.sync())

    @invariant()
    def agree(self) -> None:
        for directory in getattr(self, "directories", []):
            assert tree_of(directory) == self.model, directory


def fits(tree: Tree, name: str, kind: type) -> bool:
    """Whether a name is free or of this kind."""
    return isinstance(tree.get(name, kind()), kind)


def sync_all(directory: Directory, tree: Tree) -> None:
    """Sync all names; the rules above sync all bytes."""
    directory.sync()
    for name, inside in tree.items():
        if isinstance(inside, dict):
            sync_all(directory.child(name), inside)


TestDirectories = Directories.TestCase
TestDirectories.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
