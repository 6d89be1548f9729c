"""Arrays with their ids beside them, and the attacks on .npy files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.errors import InvalidFile
from mitame.exchange import Row, Rows, read, write
from mitame.exchange.npy import read_npy


def saved(folder: Path, array: Any) -> Path:
    path = folder / "x.npy"
    np.save(path, array, allow_pickle=True)
    return path


def ids(rows: Rows) -> list[str]:
    return [row.id for row in rows]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_float(tmp_path: Path, dtype: str, order: Any) -> None:
    """Either byte order, either order of the axes; ids are row numbers where there are none."""
    array = np.random.default_rng(0).normal(size=(5_000, 3)).astype(dtype, order=order)
    rows = read(saved(tmp_path, array))
    assert (rows.dimension, rows.total, rows.unique) == (3, 5_000, True)
    found = np.stack([row.vector for row in rows if row.vector is not None])
    assert found.tobytes() == array.astype("<f4").tobytes()
    assert ids(rows) == list(map(str, range(5_000)))


@pytest.mark.parametrize("kind", ["txt", "ids.txt", "json", "ids.json", "ids.npy"])
def test_ids_beside(tmp_path: Path, kind: str) -> None:
    """Text, JSON or a second array; integers become their digits."""
    path = saved(tmp_path, np.ones((2, 3), np.float32))
    beside = path.with_suffix(f".{kind}")
    if kind.endswith("txt"):
        beside.write_text("a b\n-7\n", encoding="utf-8")
    elif kind.endswith("json"):
        beside.write_text(json.dumps(["a b", -7]))
    else:
        np.save(beside, np.array(["a b", "-7"]))
    assert ids(read(path)) == ["a b", "-7"]
    assert ids(read_npy(path, ids=beside)) == ["a b", "-7"]


@pytest.mark.parametrize("text", ["a\n", "a\nb\nc\n", ""])
def test_ids_must_be_as_many(tmp_path: Path, text: str) -> None:
    """A list that belongs to another array is not taken for this one's."""
    path = saved(tmp_path, np.ones((2, 3), np.float32))
    path.with_suffix(".ids.txt").write_text(text)
    with pytest.raises(InvalidFile, match=r"entries for the 2 rows"):
        read(path)


@pytest.mark.parametrize("text", ["{}", "[1", "[null, 1]", "[" * 100_000])
def test_bad_json_ids(tmp_path: Path, text: str) -> None:
    """No list of strings and integers: refused."""
    path = saved(tmp_path, np.ones((2, 3), np.float32))
    path.with_suffix(".ids.json").write_text(text)
    with pytest.raises(InvalidFile):
        list(read(path))


def test_old_attributes_do_not_stay(tmp_path: Path) -> None:
    """Rows without attributes, written over rows with them, are read without them."""
    path = tmp_path / "x.npy"
    write([Row("a", np.ones(2, np.float32), "mug", {"n": 1})], path)
    assert next(iter(read(path))).category == "mug"
    write([Row("b", np.ones(2, np.float32))], path)
    row = next(iter(read(path)))
    assert (row.id, row.category, row.attributes) == ("b", None, {})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.ids.txt", "x.npy"]


def test_what_numpy_reads_of_it(tmp_path: Path) -> None:
    """The array is one that numpy opens, float32, with the header filled in."""
    path = tmp_path / "x.npy"
    write([Row(str(i), np.full(3, i, np.float32)) for i in range(1_234)], path)
    array = np.load(path, allow_pickle=False)
    assert (array.dtype, array.shape) == (np.float32, (1_234, 3))
    assert array[1_000].tolist() == [1_000] * 3


class Bomb:
    """Unpickling it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """Not from an array of objects, not from a bare pickle, not from ids."""
    mark = tmp_path / "mark"
    objects = saved(tmp_path, np.array([[Bomb(mark)]], object))
    bare = tmp_path / "bare.npy"
    bare.write_bytes(pickle.dumps(Bomb(mark)))
    for path in (objects, bare):
        with pytest.raises(InvalidFile):
            read(path, format="npy")
    good = tmp_path / "good.npy"
    np.save(good, np.ones((1, 2), np.float32))
    np.save(tmp_path / "good.ids.npy", np.array([Bomb(mark)], object), allow_pickle=True)
    with pytest.raises(InvalidFile):
        list(read(good))
    assert not mark.exists()


def test_other_arrays_are_refused(tmp_path: Path) -> None:
    """One axis, integers, complex numbers: not vectors."""
    for array in (
        np.ones(3),
        np.ones((2, 2), np.int32),
        np.ones((2, 2), complex),
        np.ones((1,) * 3),
    ):
        with pytest.raises(InvalidFile, match="not an array of vectors"):
            read(saved(tmp_path, array))


def test_cut_off_anywhere(tmp_path: Path) -> None:
    """An array that is shorter than its header says is refused when it is opened."""
    data = saved(tmp_path, np.ones((4, 3), np.float32)).read_bytes()
    path = tmp_path / "cut.npy"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(InvalidFile):
            read(path, format="npy")


headers = st.sampled_from(
    ["-" * 9_000 + "1", "(" * 5_000, "{'descr': '<f4'}", "1+1j", "\x00", "{}"]
)


@settings(max_examples=150, deadline=None)
@given(
    text=headers
    | st.builds(
        "{{'descr': {!r}, 'fortran_order': False, 'shape': {}}}".format,
        st.sampled_from(["<f4", "|O", "<f4,<f4", "V0", "S0", [("a", "<f4")], "no"]),
        st.lists(st.integers(-3, 2**70)).map(tuple),
    )
)
def test_hostile_headers(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Headers of any nesting, type and shape: a typed error, or an array that is all there."""
    body = text.encode("latin-1") + b"\n"
    path = tmp_path_factory.getbasetemp() / "hostile.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body + bytes(64))
    try:
        rows = read(path)
    except InvalidFile:
        return
    assert rows.dimension is not None
    assert rows.dimension * (rows.total or 0) * 4 <= 64
