"""Laws of parts: named arrays that are saved, and opened again from mapped files."""

from __future__ import annotations

import re
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.distances import normalise
from mitame.engines.protocol import Parts
from mitame.testing.engine_damage import DamageLaws
from mitame.testing.engine_truth import check_equal, clumps

TYPES = ("uint8", "int32", "int64", "float16", "float32")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MAPPED_DIMENSION = 64
JUDGED_FROM = 512 * 1024
"""Bytes from which a part is long beside the pages that the system reads ahead."""


class PartLaws(DamageLaws):
    """What `Index.save` gives, and what `Engine.open` makes of it."""

    def test_parts_can_be_stored(self) -> None:
        """Names and types are those that a snapshot keeps; saving again gives the same."""
        for engine, distance in self.each():
            index = self.small(engine, distance)
            parts = index.save()
            for name, array in parts.items():
                assert NAME.fullmatch(name)
                assert array.dtype.name in TYPES
                assert array.dtype.isnative
                assert array.ndim in {1, 2}
            again = index.save()
            assert again.keys() == parts.keys()
            assert all((again[name] == parts[name]).all() for name in parts)

    def test_opened_is_the_same(self) -> None:
        """From mapped, read-only files and over mapped rows it answers to the bit what it did.

        Filters, efforts, and saving again included; for no rows and one row, too.
        """
        _, queries = self.data()
        for engine, distance in self.each():
            for found in (*(self.data()[0][:n] for n in (0, 1, 6)), self.much_data()[0]):
                rows = normalise(found) if distance == "cosine" else found  # as collections do
                kept = rows is found and len(rows) == self.MANY
                index = self.large(engine, distance) if kept else self.build(engine, rows, distance)
                allow = np.arange(len(rows)) % 5 < 3 if engine.abilities.filters else None
                with mapped({"rows": rows}) as files, mapped(index.save()) as parts:
                    opened = engine.open(files["rows"], distance, parts)
                    assert (opened.rows, opened.dimension) == (index.rows, index.dimension)
                    for effort in (0.0, None, 1.0):
                        for mask in (None, allow):
                            check_equal(
                                opened.search(queries, 9, effort=effort, allow=mask),
                                index.search(queries, 9, effort=effort, allow=mask),
                            )
                    again = opened.save()
                    assert again.keys() == parts.keys()
                    assert all((again[name] == parts[name]).all() for name in parts)
                    del opened

    def test_opening_reads_little_of_the_parts(self) -> None:
        """Where the engine says that it maps, opening copies no part and reads none whole."""
        rows, _ = clumps(self.MAPPED, MAPPED_DIMENSION, 2)
        for engine, distance in self.each():
            if not engine.abilities.maps:
                continue
            parts = self.build(engine, rows, distance).save()
            whole = sum(array.nbytes for array in parts.values())
            with mapped(parts) as files:
                tracemalloc.start()
                opened = engine.open(rows, distance, files)
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                assert peak <= max(JUDGED_FROM, whole // 2)
                for name, array in files.items():
                    if array.nbytes >= JUDGED_FROM:
                        assert resident(array) <= array.nbytes // 2, name
                del opened


@contextmanager
def mapped(parts: Parts) -> Iterator[Parts]:
    """The same arrays, each in a file of its own that is mapped read-only."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = {}
        for name, array in parts.items():
            path = Path(folder) / f"{name}.npy"
            np.save(path, array)
            found[name] = np.load(path, mmap_mode="r", allow_pickle=False)
        yield found


def resident(array: NDArray[Any]) -> int:
    """Bytes of a mapped file that this process has touched; 0 where the system doesn't say."""
    if sys.platform != "linux" or not isinstance(array, np.memmap):
        return 0
    text = Path("/proc/self/smaps").read_text(encoding="utf-8")
    mine = text.split(str(array.filename))[1:]
    sizes = [re.search(r"^Rss: +(\d+) kB", each, re.MULTILINE) for each in mine]
    return sum(int(size[1]) * 1024 for size in sizes if size)
