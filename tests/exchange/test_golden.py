"""Files by annoy, faiss and hnswlib give what these libraries say is in them."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mitame
from mitame import exchange
from mitame.distances import Distance, exact
from mitame.errors import InvalidFile, SourceError, UsageError
from mitame.exchange.annoy import layout_of
from mitame.exchange.row import DISTANCE_OF, ItemType, Metric
from tests.exchange.golden import (
    ALL,
    ANNOY,
    DIMENSION,
    FAISS,
    FOLDER,
    HNSWLIB,
    METRICS,
    by_id,
    expected,
    options,
    read_golden,
)


def test_the_files_are_there() -> None:
    """No parametrised test below is empty."""
    assert (len(ANNOY), len(FAISS), len(HNSWLIB)) == (8, 10, 3)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_vector_and_id(path: Path) -> None:
    """Bit for bit what the library gave back; what is deleted or was never added is not there."""
    rows = read_golden(path)
    assert rows.dimension == DIMENSION
    assert rows.format == path.stem.split("-")[0]
    assert by_id(rows) == expected(path).by_id()
    assert by_id(rows) == expected(path).by_id()  # it can be read again


def test_id_maps_with_entries_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids that do not lie together are looked up one by one, to the same end."""
    path = FOLDER / "faiss-idmap-ivf.faiss"
    monkeypatch.setattr("mitame.exchange.faiss._NEAR", -(2**40))
    assert by_id(read_golden(path)) == expected(path).by_id()


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_content_tells_the_format(path: Path, tmp_path: Path) -> None:
    """Under another name, too; an annoy file is what fits nothing else."""
    other = tmp_path / "index.bin"
    other.write_bytes(path.read_bytes())
    assert exchange.read(other, **options(path)).format == path.stem.split("-")[0]


def test_distances_are_told() -> None:
    """What ranks here as it did there; L1 has nothing here."""
    found = {path.stem: read_golden(path).distance for path in [*ANNOY, *FAISS]}
    assert found["annoy-angular-float32"] == found["annoy-angular-float64"] == "cosine"
    assert found["annoy-dot-float64"] == found["faiss-flat-ip"] == "inner_product"
    assert found["annoy-euclidean-float32"] == found["faiss-ivf"] == "euclidean"
    assert found["annoy-manhattan-float32"] is found["faiss-flat-l1"] is None


@pytest.mark.parametrize("path", ANNOY, ids=lambda path: path.stem)
def test_annoy_is_never_mistaken(path: Path) -> None:
    """Any other metric, dimension or type than the file's is refused, save manhattan's twin."""
    true: tuple[str, ...] = tuple(path.stem.split("-")[1:])
    twins = ({"euclidean", "manhattan"},)
    tried = 0
    for metric in METRICS:
        for dimension in range(1, 4 * DIMENSION):
            if dimension == DIMENSION and (metric == true[0] or {metric, true[0]} in twins):
                continue
            with pytest.raises(InvalidFile, match="no annoy index"):
                exchange.read(path, dimension=dimension, metric=metric)  # type: ignore[arg-type] # a loop over the names
            tried += 1
    other: ItemType = "float64" if true[1] == "float32" else "float32"
    with pytest.raises(InvalidFile):
        read_golden(path, item_type=other)
    assert tried >= 4 * 23 - 2


def test_annoy_without_lengths_needs_its_type_told(tmp_path: Path) -> None:
    """Items of annoy's first years do not have their length: read when told, not guessed."""
    for path in (p for p in ANNOY if "angular" in p.name):
        item_type: ItemType = "float64" if "float64" in path.name else "float32"
        layout = layout_of(DIMENSION, "angular", item_type)
        data = bytearray(path.read_bytes())
        at, width = layout.length, np.dtype(layout.dtype).itemsize
        assert at is not None
        for node in range(40):
            place = node * layout.size + at
            data[place : place + width] = bytes(width)
        old = tmp_path / path.name
        old.write_bytes(data)
        with pytest.raises(InvalidFile):
            exchange.read(old, dimension=DIMENSION, metric="angular")
        told = exchange.read(old, dimension=DIMENSION, metric="angular", item_type=item_type)
        assert by_id(told) == expected(path).by_id()


def test_annoy_that_fits_both_types_is_refused_unless_told(tmp_path: Path) -> None:
    """Two dimensions: five float32 nodes of 24 bytes that are three float64 ones of 40, too."""
    data = bytearray(120)
    for place, count in ((0, 1), (24, 1), (40, 1), (72, 3), (80, 1), (96, 3)):
        struct.pack_into("<i", data, place, count)
    path = tmp_path / "both.ann"
    path.write_bytes(data)
    with pytest.raises(InvalidFile, match="float32 or float64") as caught:
        exchange.read(path, dimension=2, metric="euclidean")
    assert "--item-type" in caught.value.remedy
    single = exchange.read(path, dimension=2, metric="euclidean", item_type="float32")
    double = exchange.read(path, dimension=2, metric="euclidean", item_type="float64")
    assert [row.id for row in single] == ["0", "1"]
    assert [row.id for row in double] == ["0"]


@pytest.mark.parametrize("path", [*ANNOY, FOLDER / "faiss-idmap.faiss"], ids=lambda p: p.stem)
def test_imported_answers_are_brute_forces(path: Path, tmp_path: Path) -> None:
    """A search after the import ranks as brute force over the library's own vectors does."""
    rows, want = read_golden(path), expected(path)
    distance: Distance = rows.distance or "euclidean"
    with mitame.open(tmp_path, lenses={"v": f"vectors:{DIMENSION}:{distance}"}) as items:
        report = exchange.import_rows(items, rows)
        assert (report.added, report.refused) == (len(want.ids), 0)
        for query in want.vectors[:10]:
            near = exact(query, want.vectors, distance)
            order = np.argsort(near, kind="stable")[:5]
            answer = items.search(vector=query, limit=5)
            assert {n.id for n in answer.neighbors} == {want.ids[i] for i in order}


def test_annoy_needs_dimension_and_metric() -> None:
    """The file tells neither, and the error says what to give."""
    with pytest.raises(UsageError) as caught:
        exchange.read(ANNOY[0], dimension=DIMENSION)
    assert "--metric" in caught.value.remedy


def test_unsupported_kinds_are_named() -> None:
    """A quantised index holds no whole vectors: told with its kind and what is read instead."""
    with pytest.raises(InvalidFile, match="IxSQ") as caught:
        exchange.read(FOLDER / "unsupported-sq8.faiss")
    assert "IndexIVFFlat" in caught.value.remedy


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_cut_off_anywhere(path: Path, tmp_path: Path) -> None:
    """A file that ends early, at any byte, is refused, never read in part without a word."""
    data, cut = path.read_bytes(), tmp_path / path.name
    for length in [*range(0, len(data), 37), len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(SourceError):
            list(read_golden_at(cut, path))


def read_golden_at(path: Path, like: Path) -> exchange.Rows:
    return exchange.read(path, format=like.stem.split("-")[0], **options(like))


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(ALL),
    changes=st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=9)), min_size=1),
)
def test_overwritten_bytes_never_crash(
    tmp_path_factory: pytest.TempPathFactory, path: Path, changes: list[tuple[int, bytes]]
) -> None:
    """Whatever stands in a file: rows of the right shape, or a typed error."""
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place : place + len(value)] = value
    bad = tmp_path_factory.getbasetemp() / f"bad{path.suffix}"
    bad.write_bytes(data)
    with suppress(InvalidFile):
        rows = read_golden_at(bad, path)
        for row in rows:
            assert row.vector is not None
            assert row.vector.shape == (rows.dimension,)


def test_huge_counts_are_refused_at_once(tmp_path: Path) -> None:
    """Lengths of 2**60 in a small file ask for no memory: each is checked first."""
    tried = 0
    for path in FAISS:
        data = path.read_bytes()
        for place in range(4, 140):
            for value in (2**60, 2**63 - 1, 2**64 - 1):
                bad = tmp_path / "bad.faiss"
                bad.write_bytes(data[:place] + struct.pack("<Q", value) + data[place + 8 :])
                try:
                    for _ in exchange.read(bad, format="faiss"):
                        pass
                except InvalidFile:
                    tried += 1
    assert tried > 1_000


def test_indexes_without_end_are_refused(tmp_path: Path) -> None:
    """An id map of an id map of ... stops at a depth, not at the stack's end."""
    header = b"IxMp" + struct.pack("<iqqq?i", 4, 0, 0, 0, True, 1)
    path = tmp_path / "deep.faiss"
    path.write_bytes(header * 100_000)
    with pytest.raises(InvalidFile, match="without end"):
        exchange.read(path)


def test_metrics_have_their_distances() -> None:
    """Every metric is either mapped or known to have none."""
    known: tuple[Metric, ...] = ("angular", "euclidean", "dot")
    assert tuple(DISTANCE_OF) == known
