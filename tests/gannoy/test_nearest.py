"""gannoy's order, compared with its formula by brute force; no server between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mitame
from mitame.serving.gannoy import nearest as module
from mitame.serving.gannoy.nearest import nearest
from mitame.serving.gannoy.numbers import integer, key_of
from mitame.serving.gannoy.writing import put

COUNT, DIM = 60, 3


def angular(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """``sqrt(2 (1 - cos))``, and 2.0 where either is zero."""
    product = float(np.linalg.norm(a) * np.linalg.norm(b))
    if product == 0:
        return 2.0
    return float(np.sqrt(max(0.0, 2 * (1 - float(a @ b) / product))))


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float64]:
    """Random directions, of which several are zero."""
    made = np.random.default_rng(5).normal(size=(COUNT, DIM))
    made[[7, 20, 33]] = 0
    return made


@pytest.fixture(scope="module")
def collection(
    tmp_path_factory: pytest.TempPathFactory, vectors: NDArray[np.float64]
) -> Iterator[mitame.Collection]:
    lenses = {"vectors": f"vectors:{DIM}"}
    with mitame.open(tmp_path_factory.mktemp("nearest"), lenses=lenses) as made:
        for key, vector in enumerate(vectors):
            put(made, key, vector.tolist())
        for name in ("a", "007", "+1", "-0", "1.0", "1 ", "9" * 20, "\u0661"):
            made.add(name, vector=[1, 1, 1])
        yield made


def found(collection: mitame.Collection, key: int, limit: int = -1) -> list[int]:
    with collection.store.pin() as view:
        return nearest(view, "vectors", key, limit)


@pytest.fixture(params=["before a merge", "after one", "beyond an answer's limit"])
def way(
    request: pytest.FixtureRequest, collection: mitame.Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By search, by the neighbour table, and by looking at every row."""
    if request.param == "after one":
        collection.store.merge(neighbors=10)
    if request.param == "beyond an answer's limit":
        monkeypatch.setattr(module, "MAX_LIMIT", 4)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("key", [0, 1, 2, 41])
@pytest.mark.parametrize("limit", [1, 2, 5, 20, 40, COUNT, -1])
def test_order_is_by_the_angular_distance(
    collection: mitame.Collection, vectors: NDArray[np.float64], key: int, limit: int
) -> None:
    """As the formula says, zero vectors last, filled in spite of ids that are no integers."""
    keys = found(collection, key, limit)
    wanted = COUNT if limit < 0 else limit
    assert len(keys) == len(set(keys)) == wanted
    assert keys[0] == key
    distances = [angular(vectors[key], vectors[each]) for each in keys]
    assert distances == sorted(distances)
    everything = sorted(angular(vectors[key], each) for each in vectors)
    assert np.allclose(distances, everything[:wanted], atol=1e-6)


@pytest.mark.usefixtures("way")
def test_a_zero_vector_finds_everything(collection: mitame.Collection) -> None:
    """All are at 2.0, so that only its own key has a place."""
    keys = found(collection, 20)
    assert keys[0] == 20
    assert sorted(keys) == list(range(COUNT))
    assert len(found(collection, 20, 4)) == 4


def test_an_item_of_another_id_is_in_no_answer(collection: mitame.Collection) -> None:
    """Neither as an answer nor as a question."""
    assert sorted(found(collection, 0)) == list(range(COUNT))
    assert found(collection, 99) == []


def test_euclidean_is_by_length(tmp_path: Path) -> None:
    """A database of L2, as gannoy's later years had it: a zero vector is where it is."""
    with mitame.open(tmp_path, lenses={"vectors": "vectors:2:euclidean"}) as made:
        for key, (x, y) in enumerate([(1, 0), (0, 0), (5, 0), (1, 0.5)]):
            put(made, key, [x, y])
        assert found(made, 0) == [0, 3, 1, 2]


def test_category_and_attributes_outlive_a_put(tmp_path: Path) -> None:
    """gannoy's clients know nothing of them, and must not remove them."""
    with mitame.open(tmp_path, lenses={"vectors": "vectors:2"}) as made:
        made.add("5", vector=[1, 0], category="mug", attributes={"price": 3})
        put(made, 5, [0, 1])
        item = made.get(5)
        assert item is not None
        assert (item.category, dict(item.attributes)) == ("mug", {"price": 3})
        assert made.vectors(5).tolist() == [[0, 1]]


def test_an_item_without_a_vector_is_not_found(tmp_path: Path) -> None:
    """One that has only another lens's vector can't be asked about."""
    lenses = {"vectors": "vectors:2", "other": "vectors:3"}
    with mitame.open(tmp_path, lenses=lenses) as made:
        made.add("1", vectors={"other": [1, 0, 0]})
        made.add("2", vector=[1, 0])
        assert found(made, 1) == []
        assert found(made, 1, 1) == []
        assert found(made, 2) == [2]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-5", -5),
        ("+5", 5),
        ("0005", 5),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("-9223372036854775808", -(2**63)),
        ("", None),
        (None, None),
        (" 5", None),
        ("5 ", None),
        ("5\n", None),
        ("1_0", None),
        ("\u0665", None),
        ("--5", None),
        ("0x5", None),
        ("1" * 100_000, None),
    ],
)
def test_integers(text: str | None, value: int | None) -> None:
    """As Go reads them."""
    assert integer(text) == value


@pytest.mark.parametrize("key", [0, 1, -1, 10, -(2**63), 2**63 - 1])
def test_a_key_is_its_id(key: int) -> None:
    """There and back."""
    assert key_of(str(key)) == key
    assert key_of(f"{key} ") is None
    assert key_of(f"0{key}") is None
