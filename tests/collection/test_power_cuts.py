"""The power is cut at every call of the storage: what was acknowledged is there, no half state.

Each workload is done twice. First on a plain disk, noting what the collection shows after each
step. Then on a faulty one, which before every single call, and after the last, is copied as it
would be after a power cut: with everything unsynced dropped, and with writes torn and names kept
at random. Each copy is opened: it shows what it showed before the step under way, or after it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from mitame.collection import (
    Attach,
    ItemImage,
    Lens,
    Patch,
    Relocate,
    Remove,
    Store,
    create,
    open_store,
)
from mitame.collection.backup import back_up
from mitame.storage import LocalDirectory
from mitame.testing.faults import Faults, FaultyDirectory, PowerCut, Unsynced
from tests.collection.made import COLOR, LOOK, image, noise, put, spec
from tests.collection.moments import Moment, answers, moment

Step: TypeAlias = Callable[[Store], object]
SEEDS = int(os.environ.get("MITAME_CUT_SEEDS", "1"))
"""How many random outcomes of each cut are tried, beside the strictest one."""
NEW = Lens("new", spec(5, name="made-new"))


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six rows of four floats per file of the log, so that a few items fill several."""
    monkeypatch.setattr("mitame.collection.log.SEGMENT_BYTES", 96)
    monkeypatch.setattr("mitame.collection.log._LEAST_ROOM", 64)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: SQLite syncs for real, which takes its time."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="mitame-cuts-", dir=where))
    yield made
    shutil.rmtree(made)


def both(n: int) -> ItemImage:
    """An image with vectors for two lenses."""
    made = image(n)
    vectors = {"look": noise(n), "color": noise(n, 3)}
    return ItemImage(vectors, made.content_hash, made.source, n, n, 64, 48, "JPEG")


def append(*changes: object) -> Step:
    """The step of appending changes."""
    return lambda store: store.append(list(changes))  # type: ignore[arg-type]  # they are changes


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
WORKLOADS = {"write": WRITE, "merge": MERGE, "rollback": ROLLBACK, "lenses": LENSES}


def rehearse(path: Path, steps: Sequence[Step]) -> list[tuple[Moment, int]]:
    """What is shown before the first step and after each, and the generation that answers."""
    with open_store(path) as store:
        shown = [(moment(store), _generation(store))]
        for step in steps:
            step(store)
            assert store.check() == []
            shown.append((moment(store), _generation(store)))
    return shown


def _generation(store: Store) -> int:
    with store.pin() as view:
        return view.generation


class Cuts:
    """Copies the disk before each call as it would be after a cut, and looks at the copies."""

    def __init__(self, folder: Path, look: Callable[[Path], None]) -> None:
        self.points = 0
        self.copies = 0
        self._folder = folder
        self._look = look

    def watch(self, faulty: FaultyDirectory) -> None:
        """Cut before each call of a directory from now on."""
        faulty.faults.watch = lambda _number, _text: self.cut(faulty)

    def cut(self, faulty: FaultyDirectory) -> None:
        """Look at every outcome of a cut at this instant."""
        self.points += 1
        outcomes: list[tuple[Unsynced, Unsynced]] = [("dropped", "dropped"), ("random", "random")]
        for unsynced_bytes, unsynced_names in outcomes[:1] + outcomes[1:] * SEEDS:
            self.copies += 1
            copy = self._folder / f"cut-{self.copies}"
            faulty.durable_copy(
                copy,
                unsynced_bytes=unsynced_bytes,
                unsynced_names=unsynced_names,
                seed=self.copies,
            )
            self._look(copy)
            shutil.rmtree(copy)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_power_cut_at_every_call(folder: Path, name: str) -> None:
    """Every acknowledged step is there, the one under way wholly or not at all, all is well."""
    steps = WORKLOADS[name]
    create(folder / "plain", [LOOK, COLOR]).close()
    shutil.copytree(folder / "plain", folder / "faulty")
    shown = rehearse(folder / "plain", steps)
    done = 0

    def look(path: Path) -> None:
        with open_store(path) as store:
            now = moment(store)
            assert now in (shown[done][0], shown[min(done + 1, len(steps))][0])
            assert _generation(store) in {g for _, g in shown[done : done + 2]}
            assert store.check() == []

    faulty = FaultyDirectory(folder / "faulty", Faults())
    cuts = Cuts(folder, look)
    with open_store(folder / "faulty", directory=faulty) as store:
        cuts.watch(faulty)
        for step in steps:
            step(store)
            done += 1
            cuts.cut(faulty)
    print(f"{name}: {cuts.points} cut points, {cuts.copies} outcomes")
    assert cuts.points > 3 * len(steps)
