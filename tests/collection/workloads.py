"""What is done to small collections while things go wrong, and what they show in between."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from mitame.collection import (
    Attach,
    Change,
    Choice,
    ItemImage,
    Lens,
    Patch,
    Relocate,
    Remove,
    Store,
    create,
    open_store,
)
from tests.collection.made import COLOR, LOOK, image, noise, put, spec
from tests.collection.moments import Moment, moment

Step: TypeAlias = Callable[[Store], object]
NEW = Lens("new", spec(5, name="made-new"))


def both(n: int) -> ItemImage:
    """An image with vectors for two lenses."""
    made = image(n)
    vectors = {"look": noise(n), "color": noise(n, 3)}
    return ItemImage(vectors, made.content_hash, made.source, n, n, 64, 48, "JPEG")


def append(*changes: Change) -> Step:
    """The step of appending changes."""
    return lambda store: store.append(changes)


def merge(keep: int = 2) -> Step:
    """The step of merging."""
    return lambda store: store.merge(keep=keep)


def attach(item_id: str, seed: int, **vectors: int) -> Attach:
    """Vectors of dimension 5 and another seed for the image that follows from a seed."""
    return Attach(item_id, f"{seed:064x}", {lens: noise(n, 5) for lens, n in vectors.items()})


WRITE: Sequence[Step] = [
    append(put("a", both(1)), put("b", both(2)), put("c", image(3), image(4))),
    append(put("a", image(5)), Remove("b")),
    append(Patch("c", "x", {"n": 1}), Relocate("a", "d", "/moved")),
    append(*(put(f"i{n}", both(n)) for n in range(10, 24))),
    append(Attach("c", f"{3:064x}", {"look": noise(30), "color": noise(31, 3)}), Remove("i11")),
]
MERGE: Sequence[Step] = [
    append(*(put(f"i{n}", both(n), category="x", attributes={"n": n}) for n in range(9))),
    merge(),
    append(put("i1", image(20)), Remove("i2"), Patch("i3", None, {"m": True})),
    merge(),
    append(*(put(f"j{n}", both(n)) for n in range(9)), Remove("i4")),
    merge(),
    merge(),
    append(Remove("i5")),
    merge(keep=1),
    append(put("last", both(7))),
]
ROLLBACK: Sequence[Step] = [
    append(*(put(f"i{n}", both(n)) for n in range(7))),
    merge(keep=3),
    append(Remove("i1"), put("k", both(9))),
    merge(keep=3),
    append(put("i2", image(30)), Remove("i3")),
    lambda store: store.rollback(1),
    append(put("l", both(10)), Remove("i4")),
    lambda store: store.rollback(2),
    merge(keep=3),
    lambda store: store.rollback(2),
    append(Remove("l")),
    merge(keep=1),
]
LENSES: Sequence[Step] = [
    append(*(put(f"i{n}", both(n)) for n in range(7))),
    lambda store: store.add_lens(NEW),
    append(*(attach(f"i{n}", n, new=n + 50) for n in range(5))),
    merge(),
    append(*(attach(f"i{n}", n, new=n + 50) for n in range(5, 7))),
    lambda store: store.swap_lenses("new", "look"),
    append(attach("i1", 1, look=90)),
    lambda store: store.drop_lens("new"),
    merge(),
    append(Remove("i2")),
    merge(keep=1),
]
OLD: Sequence[Step] = [
    append(put("new", both(40)), put("a", image(41))),
    merge(keep=1),
    append(*(put(f"j{n}", both(n)) for n in range(9)), Remove("a")),
    merge(keep=1),
    append(put("last", both(42))),
]
CODES = Choice("exact", {"dtype": "int8"}, why="it has parts to write")
INDEX: Sequence[Step] = [
    append(*(put(f"i{n}", both(n)) for n in range(8))),
    lambda store: store.choose("look", CODES),
    merge(),
    append(put("i1", image(20)), Remove("i2")),
    lambda store: store.choose("color", CODES),
    merge(keep=1),
    lambda store: store.choose("look", None),
    merge(keep=1),
    append(put("last", both(7))),
]
WORKLOADS = {
    "write": WRITE,
    "merge": MERGE,
    "rollback": ROLLBACK,
    "lenses": LENSES,
    "index": INDEX,
}


def quick_folder() -> Path:
    """A new folder, in memory where the system has that: SQLite syncs for real."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="mitame-test-", dir=where))


def empty(path: Path) -> Path:
    """A new collection with two lenses at a path, closed."""
    create(path, [LOOK, COLOR]).close()
    return path


def rehearse(path: Path, steps: Sequence[Step]) -> list[tuple[Moment, int]]:
    """What is shown before the first step and after each, and the generation that answers."""
    with open_store(path) as store:
        shown = [(moment(store), generation(store))]
        for step in steps:
            step(store)
            assert store.check() == []
            shown.append((moment(store), generation(store)))
    return shown


def generation(store: Store) -> int:
    """The generation that answers."""
    with store.pin() as view:
        return view.generation
