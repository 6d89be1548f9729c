"""What stands around a library: few rows, short answers, filters, errors, files."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.distances import Distance
from mitame.engines.annoy import AnnoyEngine
from mitame.engines.blob import Bytes, Identity
from mitame.engines.hnsw import HnswEngine
from mitame.engines.ivfpq import IvfpqEngine
from mitame.engines.library import SMALL, SPARE, Asked, LibraryEngine, LibraryIndex, Native
from mitame.engines.ngt import NgtEngine
from mitame.engines.protocol import Abilities, Candidate, Rows
from mitame.engines.ranking import Ids
from mitame.engines.settings import Common, Range
from mitame.engines.symphonyqg import SymphonyqgEngine
from mitame.errors import CorruptCollection, MissingExtra, UsageError
from mitame.testing.engine_truth import brute_force, check_equal, clumps

ROWS, _ = clumps(3_000, 8, 0)
LIBRARIES = (AnnoyEngine(), HnswEngine(), IvfpqEngine(), NgtEngine(), SymphonyqgEngine())


class Said:
    """A native index that proposes what it is told and keeps what it was asked."""

    memory = 7

    def __init__(self, ids: Sequence[int], *, filters: bool = False) -> None:
        self.ids = np.array(ids, np.int64)
        self.filters = filters
        self.asked: list[Asked] = []

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        self.asked.append(asked)
        return [self.ids for _ in queries]

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        return {}, {}


def index(native: Native) -> LibraryIndex:
    return LibraryIndex(ROWS, Identity("toy", 3_000, 8, "euclidean"), native)


def test_a_short_answer_is_filled_by_looking_at_all() -> None:
    """Too few candidates, rows that there are not, and padding: the exact answer comes."""
    true = brute_force(ROWS, ROWS[:2], 4, "euclidean")
    for ids in ([], [5, -1, -1, -1], [1, 2, 3, 3_000], [-7, 9]):
        check_equal(index(Said(ids)).search(ROWS[:2], 4), true)


def test_a_filter_meets_rows_that_there_are_not() -> None:
    """They and padding are left out, whether the library filters or not."""
    allow = np.arange(len(ROWS)) % 4 > 0
    true = brute_force(ROWS, ROWS[:2], 4, "euclidean", allow)
    for filters in (False, True):
        native = Said([3_000, -1, *range(3_000), 10**9], filters=filters)
        answer = index(native).search(ROWS[:2], 4, allow=allow)
        assert allow[answer.ids].all()
        check_equal(
            index(Said([3_000, -1], filters=filters)).search(ROWS[:2], 4, allow=allow), true
        )


def test_candidates_are_ranked_by_the_rows() -> None:
    """Whatever order the library gives; and it is asked for a few more than k."""
    native = Said(np.arange(100)[::-1].tolist())
    allow = np.arange(len(ROWS)) < 100
    check_equal(
        index(native).search(ROWS[:2], 4, effort=0.3),
        brute_force(ROWS, ROWS[:2], 4, "euclidean", allow),
    )
    assert native.asked == [Asked(4 + SPARE, 0.3)]


def test_a_library_without_filters_is_asked_for_more() -> None:
    """In proportion to the share of allowed rows; those that are not allowed are dropped."""
    allow = np.arange(len(ROWS)) % 4 > 0
    native = Said(range(200))
    answer = index(native).search(ROWS[:1], 10, allow=allow)
    (asked,) = native.asked
    assert asked.count >= (10 + SPARE) / 0.75
    assert asked.share == 0.75
    assert asked.allow is None
    assert allow[answer.ids[0]].all()


def test_a_library_with_filters_gets_them() -> None:
    """It is asked for what is wanted, under the filter."""
    allow = np.arange(len(ROWS)) % 4 > 0
    native = Said(np.flatnonzero(allow)[:60].tolist(), filters=True)
    index(native).search(ROWS[:1], 10, allow=allow)
    (asked,) = native.asked
    assert (asked.count, asked.share) == (10 + SPARE, 0.75)
    assert asked.allow is allow


def test_few_allowed_rows_are_looked_at_one_by_one() -> None:
    """The library is not asked at all, and the answer is exact."""
    native = Said(range(200))
    allow = np.arange(len(ROWS)) < 900
    true = brute_force(ROWS, ROWS[:3], 5, "euclidean", allow)
    check_equal(index(native).search(ROWS[:3], 5, allow=allow), true)
    assert native.asked == []


@dataclass(frozen=True)
class Failing(LibraryEngine):
    """An engine whose library fails, or is not there."""

    name: str = "failing"
    abilities: Abilities = field(
        default=Abilities(exact=False, distances=frozenset({"euclidean"}), extra="failing")
    )
    error: Exception = field(default_factory=lambda: RuntimeError("first\nsecond"))
    module: ClassVar[str] = "json"
    own: ClassVar[Mapping[str, Range]] = {}

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:
        return ()

    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        raise self.error

    def _load(
        self, rows: Rows, distance: Distance, facts: Mapping[str, Any], blobs: Mapping[str, Bytes]
    ) -> Native:
        raise self.error


def test_what_a_library_raises_is_said_in_our_words() -> None:
    """At a build a usage error, at an opening a damaged collection; the first line is kept."""
    with pytest.raises(UsageError, match=r"'failing' can't be built \(first\)"):
        Failing().build(ROWS, "euclidean")
    parts = index(Said([])).save()
    with pytest.raises(CorruptCollection, match="toy"):
        Failing().open(ROWS, "euclidean", parts)
    mine = LibraryIndex(ROWS, Identity("failing", 3_000, 8, "euclidean"), Said([])).save()
    with pytest.raises(CorruptCollection, match=r"can't be opened \(first\)"):
        Failing().open(ROWS, "euclidean", mine)


def test_want_of_memory_is_no_wrong_setting() -> None:
    """It passes as it is."""
    with pytest.raises(MemoryError):
        Failing(error=MemoryError()).build(ROWS, "euclidean")


@pytest.mark.parametrize("engine", LIBRARIES, ids=lambda engine: engine.name)
def test_a_missing_library_is_named(engine: LibraryEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking, building and opening say what to install."""
    monkeypatch.setitem(sys.modules, engine.module, None)
    wanted = f"pip install 'mitame[{engine.abilities.extra}]'"
    for call in (
        engine.check,
        lambda: engine.build(ROWS, "cosine"),
        lambda: engine.open(ROWS, "cosine", {}),
    ):
        with pytest.raises(MissingExtra) as caught:
            call()
        assert wanted in caught.value.remedy


@pytest.mark.parametrize("engine", LIBRARIES, ids=lambda engine: engine.name)
def test_no_file_is_left(
    engine: LibraryEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries that write files write them to a folder that is gone when the call returns."""
    pytest.importorskip(engine.module, reason=f"engine {engine.name} is this library's")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    built = engine.build(ROWS[:200], "euclidean")
    opened = engine.open(ROWS[:200], "euclidean", built.save())
    assert list(tmp_path.iterdir()) == []
    check_equal(opened.search(ROWS[:3], 5), built.search(ROWS[:3], 5))


@pytest.mark.parametrize("engine", LIBRARIES, ids=lambda engine: engine.name)
@pytest.mark.parametrize("shape", [(SMALL, 1), (SMALL + 1, 2), (70, 90), (SMALL - 1, 3)])
def test_awkward_shapes(engine: LibraryEngine, shape: tuple[int, int]) -> None:
    """One column, and fewer rows than columns; around the size where the library comes in."""
    pytest.importorskip(engine.module, reason=f"engine {engine.name} is this library's")
    rows = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for distance in sorted(engine.abilities.distances):
        built = engine.build(rows, distance)
        found = built.search(rows[:9], 1, effort=1.0)
        true = brute_force(rows, rows[:9], 1, distance)
        np.testing.assert_allclose(found.distances, true.distances, rtol=1e-5, atol=1e-6)
        assert engine.open(rows, distance, built.save()).rows == shape[0]


@given(st.floats(1, 100), st.floats(1, 1e6), st.floats(0, 1))
def test_sweep_goes_from_least_to_most(least: float, factor: float, default: float) -> None:
    """Both ends are reached, more effort never gives less, and a filter multiplies."""
    most = least * factor
    efforts = [float(effort) for effort in np.linspace(0, 1, 9)]
    values = [Asked(1, effort).swept(default, least, most) for effort in efforts]
    assert values[0] == round(least)
    assert values[-1] == pytest.approx(most, rel=1e-6, abs=0.5)
    assert values == sorted(values)
    assert Asked(1).swept(default, least, most) == Asked(1, default).swept(0.0, least, most)
    filtered = Asked(1, share=0.25).swept(default, least, most)
    assert filtered == pytest.approx(2 * Asked(1).swept(default, least, most), abs=1.5)
