"""Questions in all their forms against brute force, before and after a merge."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import mitame
from mitame.collection import Item, ItemImage
from mitame.collection.changes import Put, Remove
from mitame.distances import exact, normalise
from mitame.errors import InvalidVector, ItemNotFound, UnknownLens, UsageError
from mitame.filters import parse
from mitame.mixing import mixed
from mitame.questions import Example, Question, ask
from mitame.refining import Refinement
from mitame.variety import collapsed, scores, varied

COUNT, DIMENSION = 160, 6
Vectors = dict[str, np.ndarray]


@pytest.fixture(scope="module", params=["unmerged", "merged", "merged and changed"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[mitame.Collection, Vectors]]:
    """A collection with items of one, two or no image in the lens, and its vectors."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(COUNT // 4, DIMENSION))
    vectors: Vectors = {}
    puts = []
    for n in range(COUNT):
        around = centres[n % len(centres)] + rng.normal(size=(1 + n % 2, DIMENSION)) * 0.03
        vectors[f"i{n:03}"] = normalise(around.astype(np.float32))
        puts.append(_put(f"i{n:03}", vectors[f"i{n:03}"], n))
    lenses = {"vectors": f"vectors:{DIMENSION}", "other": "vectors:3"}
    data = tmp_path_factory.mktemp("questions")
    with mitame.open(data, lenses=lenses) as collection:
        collection.store.append(puts)
        bare = ItemImage({"other": np.ones(3, np.float32)})
        collection.store.append([Put(Item("bare", images=(bare,)))])
        if request.param != "unmerged":
            collection.store.merge()
        if request.param == "merged and changed":
            moved = vectors["i001"] = vectors["i100"].copy()
            collection.store.append([_put("i001", moved, 1), Remove("i002")])
            del vectors["i002"]
        yield collection, vectors


def _put(name: str, vectors: np.ndarray, number: int) -> Put:
    images = tuple(ItemImage({"vectors": each}) for each in vectors)
    return Put(Item(name, "abc"[number % 3], {"price": number}, images))


def brute(vectors: Vectors, asked: np.ndarray, without: set[str]) -> list[tuple[float, str]]:
    """Distance and id of each item, nearest first, ties by id."""
    found = []
    for name, rows in vectors.items():
        if name not in without:
            away = min(float(exact(each, rows, "cosine").min()) for each in asked)
            found.append((away, name))
    return sorted(found)


def asked_ids(collection: mitame.Collection, question: Question) -> list[str]:
    with collection.store.pin() as view:
        return [each.id for each in ask(view, question).answer.neighbors]


CASES: list[tuple[Example, ...]] = [
    ("i005",),
    ("i005", "i030"),
    ("i005", "i030", "bare"),
    (np.arange(1, 7, dtype=np.float32),),
    (np.arange(1, 7, dtype=np.float32), "i100"),
]


@pytest.mark.parametrize("near", CASES, ids=["id", "ids", "one bare", "vector", "both"])
@pytest.mark.parametrize("where", [None, "category=a", "price<40"])
def test_near(
    shop: tuple[mitame.Collection, Vectors], near: tuple[Example, ...], where: str | None
) -> None:
    """The items nearest to any image of any example, never an example, under any filter."""
    collection, vectors = shop
    parts = [
        vectors.get(each, np.empty((0, DIMENSION))) if isinstance(each, str) else each[np.newaxis]
        for each in near
    ]
    named = {each for each in near if isinstance(each, str)}
    passing = _passing(vectors, where)
    expected = brute(passing, np.concatenate(parts).astype(np.float32), named)[:12]
    condition = None if where is None else parse(where)
    question = Question("vectors", near, limit=12, where=condition)
    assert asked_ids(collection, question) == [name for _, name in expected]


def _passing(vectors: Vectors, where: str | None) -> Vectors:
    if where is None:
        return vectors
    condition = parse(where)
    return {
        name: rows
        for name, rows in vectors.items()
        if condition.matches("abc"[int(name[1:]) % 3], {"price": int(name[1:])})
    }


@pytest.mark.parametrize("weight", [0.0, 0.25, 3.0])
def test_examples(shop: tuple[mitame.Collection, Vectors], weight: float) -> None:
    """Positive and negative examples give the neighbours of their mixed vector, no example."""
    collection, vectors = shop
    own = np.arange(6, dtype=np.float32)
    positive = np.stack([vectors["i010"].mean(axis=0), own]).astype(np.float32)
    negative = vectors["i011"].mean(axis=0, keepdims=True).astype(np.float32)
    asked = mixed(positive, negative, weight, "cosine")[np.newaxis]
    expected = brute(vectors, asked, {"i010", "i011"})[:9]
    question = Question(
        "vectors",
        positive=("i010", own),
        negative=("i011",),
        negative_weight=weight,
        limit=9,
    )
    assert asked_ids(collection, question) == [name for _, name in expected]


def test_negatives_lead_away(shop: tuple[mitame.Collection, Vectors]) -> None:
    """The more a negative example weighs, the farther the answer is from it."""
    collection, vectors = shop
    away = []
    for weight in (0.0, 1.0, 8.0):
        question = Question(
            "vectors", positive=("i010",), negative=("i050",), negative_weight=weight, limit=5
        )
        rows = np.concatenate([vectors[name] for name in asked_ids(collection, question)])
        away.append(float(exact(vectors["i050"][0], rows, "cosine").mean()))
    assert away[0] < away[-1]


@pytest.mark.parametrize("near", [("i005",), (np.arange(1, 7, dtype=np.float32),)])
def test_collapse(shop: tuple[mitame.Collection, Vectors], near: tuple[Example, ...]) -> None:
    """Of near-copies only the nearest is answered, and the limit is filled all the same."""
    collection, _ = shop
    plain = Question("vectors", near, limit=200)
    with collection.store.pin() as view:
        everyone = ask(view, plain).answer.neighbors
        rows = np.array([each.row for each in everyone])
        kept = collapsed(view.vectors_at("vectors", rows), "cosine", 0.97)
        expected = [everyone[n].id for n in kept.tolist()]
    assert len(expected) < len(everyone) / 2  # otherwise nothing is shown here
    question = Question("vectors", near, limit=12, refinement=Refinement(0.0, 0.97))
    assert asked_ids(collection, question) == expected[:12]
    whole = Question("vectors", near, limit=100, refinement=Refinement(0.0, 0.97))
    with collection.store.pin() as view:
        answer = ask(view, whole).answer
    assert [each.id for each in answer.neighbors] == expected
    assert not answer.complete
    assert answer.reason is not None


def test_diversity(shop: tuple[mitame.Collection, Vectors]) -> None:
    """By the definition over the nearest candidates; more of it, less alike each other."""
    collection, _ = shop
    near = (np.arange(1, 7, dtype=np.float32),)
    with collection.store.pin() as view:
        nearest = ask(view, Question("vectors", near, limit=50)).answer.neighbors
        vectors = view.vectors_at("vectors", np.array([each.row for each in nearest]))
        relevance = np.array([each.score for each in nearest])
        alike = []
        for diversity in (0.0, 0.4, 0.9):
            order = varied(relevance, vectors, "cosine", diversity, 8)
            question = Question("vectors", near, limit=8, refinement=Refinement(diversity))
            assert asked_ids(collection, question) == [nearest[n].id for n in order]
            among = scores(1 - vectors[order] @ vectors[order].T, "cosine")
            alike.append(float(among[np.triu_indices(8, 1)].mean()))
    assert alike[0] > alike[1] > alike[2]


def test_refined_under_a_filter_and_a_threshold(
    shop: tuple[mitame.Collection, Vectors],
) -> None:
    """A refinement takes its candidates from what passes."""
    collection, _ = shop
    question = Question(
        "vectors",
        ("i005",),
        limit=10,
        where=parse("category=b"),
        score_threshold=0.2,
        refinement=Refinement(0.5, 0.97),
    )
    with collection.store.pin() as view:
        answer = ask(view, question).answer
    assert answer.neighbors
    assert all(each.category == "b" and each.score >= 0.2 for each in answer.neighbors)


def test_nothing_to_go_by(shop: tuple[mitame.Collection, Vectors]) -> None:
    """Examples without a vector in the lens answer nothing, and say why."""
    collection, _ = shop
    for question in (
        Question("vectors", ("bare",)),
        Question("vectors", positive=("bare",)),
    ):
        with collection.store.pin() as view:
            answer = ask(view, question).answer
        assert (answer.neighbors, answer.complete) == ((), False)
        assert "no" in (answer.reason or "")


def test_what_can_not_be_asked(shop: tuple[mitame.Collection, Vectors]) -> None:
    """Each with an error of its own."""
    collection, vectors = shop
    own = vectors["i010"][0]
    for wrong in (
        {"near": ("i1",), "positive": ("i2",)},
        {"negative": ("i1",)},
        {},
        {"near": tuple(f"i{n}" for n in range(101))},
        {"near": ("i1",), "negative_weight": 11.0},
        {"near": ("i1",), "limit": 0},
    ):
        with pytest.raises(UsageError):
            Question("vectors", **wrong)
    for question, error in (
        (Question("none", ("i010",)), UnknownLens),
        (Question("vectors", ("nobody",)), ItemNotFound),
        (Question("vectors", ("i010", "nobody")), ItemNotFound),
        (Question("vectors", positive=("i010",), negative=("nobody",)), ItemNotFound),
        (Question("vectors", (np.ones(5, np.float32),)), InvalidVector),
        (Question("vectors", positive=(own, -own)), InvalidVector),
        (Question("vectors", ("i010",), limit=1_001, refinement=Refinement(0.5)), UsageError),
    ):
        with collection.store.pin() as view, pytest.raises(error):
            ask(view, question)
