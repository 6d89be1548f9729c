"""Opening takes as long for a million rows as for ten: it maps, and reads headers only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mitame.collection.snapshot import Snapshot
from mitame.storage import Directory, LocalDirectory
from tests.collection.snapshot.planned import builder, go_on, large, small

ROWS = 1_000_000


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of a million items in a folder; not to be changed."""
    folder = tmp_path_factory.mktemp("million")
    go_on(builder(LocalDirectory(folder)), large(ROWS), 1 << 18)
    return folder


class Watched:
    """A directory that notes what is asked of it."""

    def __init__(self, inner: Directory) -> None:
        self._inner = inner
        self.calls: list[tuple[str, str]] = []
        self.bytes_read = 0

    def read(self, name: str, *, limit: int) -> bytes:
        data = self._inner.read(name, limit=limit)
        self.bytes_read += len(data)
        return data

    def map(self, name: str) -> memoryview:
        self.calls.append(("map", name))
        return self._inner.map(name)

    def size(self, name: str) -> int:
        self.calls.append(("size", name))
        return self._inner.size(name)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_it_reads_the_manifest_only(million: Path, tmp_path: Path) -> None:
    """The same few calls for a million rows as for a handful, and the same few bytes."""
    go_on(builder(LocalDirectory(tmp_path)), small())
    many, few = Watched(LocalDirectory(million)), Watched(LocalDirectory(tmp_path))
    Snapshot.open(many)  # type: ignore[arg-type] # what it lacks is passed on
    Snapshot.open(few)  # type: ignore[arg-type] # as above
    assert many.bytes_read < 4_000
    mapped = [name for call, name in many.calls if call == "map"]
    assert mapped == [
        "items-alive.part",
        "items-id-offsets.part",
        "items-id-text.part",
        "lens-1-rows.part",
        "lens-1-owners.part",
        "lens-1-vectors.part",
    ]
    assert len(few.calls) > len(many.calls)  # it has a lens and two columns more


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which pages are in memory")
def test_it_touches_next_to_nothing(million: Path) -> None:
    """Of all that is mapped, the few pages of the headers (and what Linux reads around them)."""
    snapshot = Snapshot.open(LocalDirectory(million))
    size, resident = _mapped(million)
    assert size > 36_000_000
    assert resident <= 6 * 131_072
    assert snapshot.id_of(ROWS) == str(ROWS)
    assert _mapped(million)[1] <= 8 * 131_072
    assert len(snapshot.lenses[1].owners) == ROWS
    assert _mapped(million)[1] > 8 * ROWS


def _mapped(folder: Path) -> tuple[int, int]:
    """Bytes of maps of files in a folder: all of them, and those in memory."""
    totals = {"Size": 0, "Rss": 0}
    ours = False
    for line in _lines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            ours = f"{folder}/" in line
        name, _, rest = line.partition(":")
        if ours and name in totals:
            totals[name] += int(rest.split()[0]) * 1024
    return totals["Size"], totals["Rss"]


def _lines() -> Iterator[str]:
    with Path("/proc/self/smaps").open() as file:
        yield from file


def test_all_of_it_is_right(million: Path) -> None:
    """A million rows are found whole, and checked where they are used."""
    snapshot = Snapshot.open(LocalDirectory(million))
    lens = snapshot.lenses[1]
    assert np.array_equal(lens.rows, np.arange(ROWS))
    assert np.array_equal(lens.owners, np.arange(1, ROWS + 1))
    assert sum(len(block) for block in lens.blocks()) == ROWS
    assert snapshot.columns().by_name["category"].codes[[1, 2, 3]].tolist() == [2, 3, 1]
