"""Which row is in which file, and one index over several."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.collection import Remove, open_store
from mitame.collection.composite import CompositeIndex, HalfIndex, exact_index
from mitame.collection.log import SEGMENT_BYTES, LogLayout, segment_name, segment_of
from mitame.distances import DISTANCES, Distance
from mitame.errors import InvalidVector, UsageError
from mitame.testing.engines import brute_force
from tests.collection.made import image, put
from tests.collection.moments import moment

GOLDEN = Path(__file__).parent.parent / "golden"


@given(
    dimension=st.sampled_from([1, 256, 1280, 65_536]),
    first_rows=st.one_of(st.just(0), st.integers(1, 200_000)),
    start=st.integers(0, 400_000),
    count=st.integers(0, 400_000),
)
def test_every_row_is_in_one_file(dimension: int, first_rows: int, start: int, count: int) -> None:
    """Law: the files of rows follow each other without gaps, are as large as said, named alike."""
    layout = LogLayout(7, dimension, "vectors-look.f32" if first_rows else None, first_rows)
    at = start
    for file, first, end in layout.files(start, start + count):
        assert file.first <= first == at < end <= file.end
        assert layout.file_of(first) == layout.file_of(end - 1) == file
        if file.is_first:
            assert (file.first, file.end) == (0, first_rows)
        else:
            assert segment_of(file.name) == (7, file.first)
            assert (file.end - file.first) * layout.row_bytes <= SEGMENT_BYTES
        at = end
    assert at == start + count


@pytest.mark.parametrize("name", ["manifest.json", "1.f32", "x-1.f32", "1-x.f32", "1-2.part", "-"])
def test_other_names_are_no_segments(name: str) -> None:
    """Only what the log itself writes is taken for its own."""
    assert segment_of(name) is None
    assert segment_of(segment_name(3, 12)) == (3, 12)


ROWS = st.lists(st.integers(0, 7), min_size=1, max_size=4)


@given(sizes=ROWS, k=st.integers(1, 12), seed=st.integers(0, 99), masked=st.booleans())
def test_one_index_over_several_is_one_over_all(
    sizes: list[int], k: int, seed: int, masked: bool
) -> None:
    """Law: however the rows are cut into parts, and whatever is allowed, ties too."""
    rng = np.random.default_rng(seed)
    parts = [rng.integers(-1, 2, (n, 3)).astype(np.float32) for n in sizes]
    rows = np.concatenate(parts)
    queries = rng.integers(-1, 2, (2, 3)).astype(np.float32)
    allow = rng.random(len(rows)) < 0.6 if masked else None
    index = CompositeIndex([exact_index(part, "euclidean") for part in parts])
    found = index.search(queries, k, allow=allow)
    wanted = brute_force(rows, queries, k, "euclidean", allow)
    assert index.rows == len(rows)
    np.testing.assert_array_equal(found.ids, wanted.ids)
    np.testing.assert_array_equal(found.distances, wanted.distances)


@pytest.mark.parametrize("distance", DISTANCES)
def test_halves_are_searched_as_they_are_stored(
    distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly, over blocks that end anywhere."""
    monkeypatch.setattr("mitame.collection.composite._HALF_FLOATS", 5 * 7)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(23, 7)).astype(np.float16)
    queries = rng.normal(size=(3, 7)).astype(np.float32)
    allow = np.arange(23) % 3 > 0
    for mask in (None, allow):
        found = HalfIndex(rows, distance).search(queries, 30, allow=mask)
        wanted = brute_force(rows.astype(np.float32), queries, 30, distance, mask)
        np.testing.assert_array_equal(found.ids, wanted.ids)
        np.testing.assert_array_equal(found.distances, wanted.distances)
    empty = HalfIndex(rows[:0], distance)
    assert empty.rows == 0
    assert empty.search(queries, 2).ids.tolist() == [[-1, -1]] * 3


def test_what_cannot_be_asked_of_an_index() -> None:
    """As of any index."""
    rows = np.eye(3, dtype=np.float32)
    index = CompositeIndex([exact_index(rows, "euclidean"), exact_index(rows, "euclidean")])
    with pytest.raises(InvalidVector):
        index.search(np.zeros((1, 4), np.float32), 1)
    with pytest.raises(UsageError, match="allow"):
        index.search(rows, 1, allow=np.ones(3, np.bool_))
    with pytest.raises(UsageError, match="k is 0"):
        index.search(rows, 0)


def test_a_collection_of_format_1_goes_on(tmp_path: Path) -> None:
    """Reading changes nothing that is shown; its old file goes when a snapshot has its rows."""
    with tarfile.open(GOLDEN / "collection-1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (path,) = [found.parent for found in tmp_path.rglob("collection.sqlite3")]
    shutil.copytree(path, tmp_path / "other")
    with open_store(path) as store, open_store(path) as second:
        shown = moment(store)
        assert moment(second) == shown
        assert store.check() == []
        store.append([put("new", image(1)), Remove("bare")])
        assert store.check() == []
        assert (path / "vectors-look.f32").exists()
        assert store.merge(keep=1) == 1
        second.generations()
        with second.pin() as view:
            assert view.generation == 1
            assert view.vectors("new", "look").shape == (1, 4)
        store.append([put("newer", image(2))])
        store.merge(keep=1)
        assert [p.name for p in path.glob("*.f32")] == []
        assert store.check() == []
    with open_store(tmp_path / "other") as store:
        assert moment(store) == shown
