"""From queries to answers: items once, with their best image, as many as there can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mitame.collection import Item, ItemImage, Put, Remove, Store, create
from mitame.distances import exact
from mitame.errors import InvalidVector, ItemNotFound, UnknownLens, UsageError
from mitame.filters import parse
from mitame.search import Answer, Query, match_word, search, similar
from tests.collection.made import COLOR, LOOK, image, noise, put, spec, vector


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A collection with two lenses, nothing in it."""
    with create(tmp_path / "shop", [LOOK, COLOR]) as made:
        yield made


def _angle(degrees: float) -> ItemImage:
    """An image whose vector lies at an angle to (1, 0, 0, 0)."""
    angle = np.deg2rad(degrees)
    return ItemImage({"look": vector(np.cos(angle), np.sin(angle), 0, 0)}, source=f"/{degrees}")


EAST = vector(1, 0, 0, 0)[np.newaxis]


def _ids(answer: Answer) -> list[str]:
    return [neighbor.id for neighbor in answer.neighbors]


def _ask(store: Store, query: Query) -> Answer:
    with store.pin() as view:
        return search(view, query)


def test_an_item_comes_once_with_its_best_image(store: Store) -> None:
    """Nearest first, with score, distance, match word and the image that is nearest."""
    store.append(
        [
            put("far", _angle(90), _angle(80)),
            put("near", _angle(120), _angle(5), _angle(5), category="x", attributes={"n": 1}),
            put("middle", _angle(30)),
        ]
    )
    answer = _ask(store, Query("look", EAST, limit=3))
    assert _ids(answer) == ["near", "middle", "far"]
    assert [n.match for n in answer.neighbors] == ["same", "similar", "weak"]
    assert [n.image.source for n in answer.neighbors] == ["/5", "/30", "/80"]
    near = answer.neighbors[0]
    assert near.score == pytest.approx(np.cos(np.deg2rad(5)))
    assert near.distance == pytest.approx(1 - near.score)
    assert (near.category, near.attributes) == ("x", {"n": 1})
    assert (answer.complete, answer.reason, answer.exact) == (True, None, True)
    assert (answer.position, answer.lens) == (3, "look")
    assert answer.took_ms > 0


def test_ties_go_by_id_whatever_was_written_first(store: Store) -> None:
    """More equal items than asked for, and than are fetched at first: the lowest ids win."""
    ids = [f"i{n:03}" for n in range(100)]
    store.append([put(name, _angle(10)) for name in reversed(ids)])
    store.append([put("z", _angle(5))])
    answer = _ask(store, Query("look", EAST, limit=4))
    assert _ids(answer) == ["z", "i000", "i001", "i002"]


def test_many_images_of_one_item_do_not_crowd_out_others(store: Store) -> None:
    """Two hundred nearer rows of one item, and the others are answered still."""
    store.append([put("many", *(_angle(n / 100) for n in range(200)))])
    store.append([put(f"i{n}", _angle(20 + n)) for n in range(5)])
    answer = _ask(store, Query("look", EAST, limit=4))
    assert _ids(answer) == ["many", "i0", "i1", "i2"]
    assert answer.complete


def test_a_filter_does_not_starve_the_answer(store: Store) -> None:
    """As many as pass, however far behind those that don't; fewer with a reason."""
    store.append([put(f"x{n}", _angle(n / 10), category="x") for n in range(300)])
    store.append([put(f"y{n}", _angle(90 + n), category="y") for n in range(5)])
    full = _ask(store, Query("look", EAST, 5, parse("category=y")))
    assert _ids(full) == ["y0", "y1", "y2", "y3", "y4"]
    assert full.complete
    short = _ask(store, Query("look", EAST, 6, parse("category=y")))
    assert len(short.neighbors) == 5
    assert not short.complete
    assert short.reason == (
        "there are only 5 items that pass the filter with a vector for lens 'look'"
    )
    none = _ask(store, Query("look", EAST, 6, parse("category=z")))
    assert (none.neighbors, none.complete, none.reliable) == ((), False, False)


def test_removed_and_replaced_rows_are_not_answered(store: Store) -> None:
    """Neither an item that is gone nor an image of before."""
    store.append([put("a", _angle(1)), put("b", _angle(2)), put("c", _angle(3))])
    store.append([Remove("a"), put("b", _angle(60))])
    answer = _ask(store, Query("look", EAST, 3))
    assert _ids(answer) == ["c", "b"]
    assert answer.neighbors[1].score == pytest.approx(0.5)


def test_excluded_ids_are_not_answered(store: Store) -> None:
    """Others come in their place; ids that don't exist are no matter."""
    store.append([put(name, _angle(n)) for n, name in enumerate("abcd")])
    excluded = frozenset({"a", "c", "nobody"})
    answer = _ask(store, Query("look", EAST, 2, exclude=excluded))
    assert _ids(answer) == ["b", "d"]
    assert answer.complete


def test_score_threshold(store: Store) -> None:
    """Only what scores as much, with the reason for fewer."""
    store.append([put(f"i{n}", _angle(n * 10)) for n in range(10)])
    answer = _ask(store, Query("look", EAST, 5, score_threshold=0.9))
    assert _ids(answer) == ["i0", "i1", "i2"]
    assert answer.reason == "only 3 items have a score of at least 0.9"
    assert _ask(store, Query("look", EAST, 3, score_threshold=0.9)).complete


def test_several_query_vectors(store: Store) -> None:
    """An item counts with its nearest to any of them, once."""
    store.append([put("e", _angle(10)), put("n", _angle(85)), put("m", _angle(45))])
    both = np.stack([vector(1, 0, 0, 0), vector(0, 1, 0, 0)])
    answer = _ask(store, Query("look", both, 3))
    assert _ids(answer) == ["n", "e", "m"]


def test_similar_uses_all_images_and_leaves_out_the_item(store: Store) -> None:
    """Nearest to either of its images; by the first lens unless another is named."""
    store.append([put("a", _angle(0), _angle(90)), put("b", _angle(80)), put("c", _angle(3))])
    store.append([put("d", ItemImage({"color": vector(1, 2, 3)}))])
    with store.pin() as view:
        answer = similar(view, "a", limit=2)
        assert _ids(answer) == ["c", "b"]
        assert answer.lens == "look"
        rest = similar(view, "a", limit=3)
        assert rest.reason == "there are only 2 other items with a vector for lens 'look'"
        lacking = similar(view, "a", lens="color")
        assert lacking.neighbors == ()
        assert lacking.reason == "item 'a' has no vector for lens 'color'"
        assert _ids(similar(view, "d", lens="color")) == []
        with pytest.raises(ItemNotFound, match="'x'"):
            similar(view, "x")


def test_euclidean_lens(store: Store) -> None:
    """Its own distance and score."""
    store.append([put("a", ItemImage({"color": vector(3, 4, 0)}))])
    answer = _ask(store, Query("color", vector(0, 0, 0)[np.newaxis], 1))
    assert answer.neighbors[0].distance == 5
    assert answer.neighbors[0].score == pytest.approx(1 / 6)


def test_match_words() -> None:
    """By the limits in the lens's spec, which they include."""
    words = [match_word(score, spec()) for score in (1.0, 0.99, 0.989, 0.8, 0.79, -1.0)]
    assert words == ["same", "same", "similar", "similar", "weak", "weak"]


def test_reliable(store: Store) -> None:
    """A weak best neighbour is not to be relied on."""
    store.append([put("a", _angle(90))])
    assert not _ask(store, Query("look", EAST, 1)).reliable
    store.append([put("b", _angle(20))])
    assert _ask(store, Query("look", EAST, 1)).reliable


def test_an_empty_collection(store: Store) -> None:
    """No neighbours, and why."""
    answer = _ask(store, Query("look", EAST, 10))
    assert (answer.neighbors, answer.complete) == ((), False)
    assert answer.reason == "there are only 0 items with a vector for lens 'look'"


def test_json(store: Store) -> None:
    """An answer is plain JSON, with the keys that callers know."""
    store.append([put("ä", _angle(10), category="x", attributes={"tags": ["a"]})])
    body = json.loads(json.dumps(_ask(store, Query("look", EAST, 2)).to_json()))
    assert body["complete"] is False
    assert body["reason"]
    assert body["neighbors"][0]["id"] == "ä"
    assert body["neighbors"][0]["match"] == "similar"
    assert body["neighbors"][0]["attributes"] == {"tags": ["a"]}
    assert body["neighbors"][0]["image"] == "/10"


@pytest.mark.parametrize("limit", [0, -1, 10_001, 2.0, True, "5"])
def test_limits_that_are_none(limit: int) -> None:
    """1 to 10,000, whole."""
    with pytest.raises(UsageError, match="limit"):
        Query("look", EAST, limit)


def test_queries_that_cannot_be_asked(store: Store) -> None:
    """Unknown lens, wrong dimension, NaN, none: a typed error each."""
    store.append([put("a")])
    with pytest.raises(UnknownLens):
        _ask(store, Query("taste", EAST))
    with pytest.raises(InvalidVector):
        _ask(store, Query("look", vector(1, 2, 3)[np.newaxis]))
    with pytest.raises(InvalidVector):
        _ask(store, Query("look", EAST * np.float32(np.nan)))
    with pytest.raises(UsageError, match="no vector"):
        _ask(store, Query("look", EAST[:0]))


COARSE = st.tuples(*[st.integers(-1, 1)] * 3).map(lambda v: vector(*v))
SHOPS = st.lists(
    st.tuples(st.lists(COARSE, min_size=1, max_size=4), st.sampled_from(["x", "y"])),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shop=SHOPS,
    queries=st.lists(COARSE, min_size=1, max_size=3),
    limit=st.integers(1, 14),
    filtered=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_answers_are_those_of_brute_force(
    store: Store,
    shop: list[tuple[list[np.ndarray[tuple[int], np.dtype[np.float32]]], str]],
    queries: list[np.ndarray[tuple[int], np.dtype[np.float32]]],
    limit: int,
    filtered: bool,
    order: object,
) -> None:
    """Law: items by the least distance of any image to any query, ties by id, ties too."""
    with store.pin() as view:
        gone = [Remove(item.id) for item in view.items()]
    items = [
        Item(f"i{n:02}", category, {}, tuple(ItemImage({"color": v}) for v in vectors))
        for n, (vectors, category) in enumerate(shop)
    ]
    order.shuffle(items)  # type: ignore[attr-defined]  # a random.Random made by Hypothesis
    store.append([*gone, *map(Put, items)])
    where = parse("category=x") if filtered else None
    answer = _ask(store, Query("color", np.stack(queries), limit, where))
    expected = sorted(
        (min(float(exact(q, np.stack(vectors), "euclidean").min()) for q in queries), f"i{n:02}")
        for n, (vectors, category) in enumerate(shop)
        if category == "x" or not filtered
    )
    assert [(n.distance, n.id) for n in answer.neighbors] == expected[:limit]
    assert answer.complete == (len(expected) >= limit)


def test_scores_do_not_depend_on_what_else_is_there(store: Store) -> None:
    """An item's distance to a query is the same to the bit, alone or among hundreds."""
    store.append([put("a", image(1))])
    alone = _ask(store, Query("look", noise(2)[np.newaxis], 1)).neighbors[0].distance
    store.append([put(f"i{n}", image(n)) for n in range(2, 400)])
    among = _ask(store, Query("look", noise(2)[np.newaxis], 400)).neighbors
    assert [n.distance for n in among if n.id == "a"] == [alone]
