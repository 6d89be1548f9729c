"""The law of questions by vector: found on the event loop, they are what the library answers."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from mitame.collection import Item, ItemImage, Put
from mitame.errors import CollectionBusy
from mitame.serving.product import nearest, pace, searched
from mitame.serving.product.answers import Answers
from mitame.serving.product.followed import Followed
from mitame.serving.product.learning import Learning, learnt, opened
from mitame.serving.product.pace import AT_ONCE, Pace
from mitame.serving.product.searched import near_item, near_vectors
from mitame.serving.product.similar_question import Question
from mitame.serving.product.vector_question import (
    are_usable,
    collection_asked,
    is_plain,
    read_question,
)
from mitame.serving.replies import reply
from mitame.serving.v1.answering import Vectors, answer, told
from mitame.serving.v1.questions import of_body
from mitame.serving.work.running import Threads
from mitame.wire.queries import QueryBody
from tests.serving.changing_shop import ITEMS, LENSES, NAME, Shop

SEEDS = (0,)
"""More of them are for whoever changes what this is about."""
SOME = np.array([1, 2, 3, 4], np.float32)


def shop_of(
    path: Path, lens: str, dimension: int, rng: np.random.Generator, images: Sequence[int] = (1, 2)
) -> Shop:
    answers = Answers(path, 10_000_000)
    made = Shop(path / NAME, lens, dimension, rng, answers, tuple(images))
    made.writer.append([made.put(str(number)) for number in range(ITEMS)])
    return made


ONE_IMAGE, SEVERAL = (1,), (1, 1, 1, 2)
"""Items of one image each are searched for one spare row first, and for more where that is not
enough; as soon as one has several, for more at once."""


@pytest.fixture(
    params=[
        (name, each, seed) for name in LENSES for each in (ONE_IMAGE, SEVERAL) for seed in SEEDS
    ],
    ids=str,
)
def shop(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    name, images, seed = request.param
    monkeypatch.setattr(nearest, "MORE", 8)  # so that an answer may not be sure
    monkeypatch.setattr(searched, "MORE", 8)
    monkeypatch.setattr(pace, "AT_ONCE", 1e9)  # however slow this machine is
    made = shop_of(tmp_path, *LENSES[name], np.random.default_rng([seed, *name.encode()]), images)
    made.writer.merge()
    yield made
    made.close()


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each search of the snapshot had."""
    counts: list[int] = []
    search = nearest._searched

    def noted(base: Any, moved: Any, questions: np.ndarray, *rest: Any) -> Any:
        counts.append(len(questions))
        return search(base, moved, questions, *rest)

    monkeypatch.setattr(nearest, "_searched", noted)
    return counts


def right(shop: Shop, vector: np.ndarray, limit: int) -> Any:
    """What the library says; and as in a server, it is learnt from."""
    ticket = shop.answers.ticket(NAME)
    assert ticket is not None
    found = opened(shop.answers, ticket, shop.reader, None, vector)
    if found is not None:
        learnt(shop.answers, ticket, *found)
    question = of_body(QueryBody(limit=limit), vector)
    with shop.reader.pin() as view:
        body = told(view, NAME, question, answer(view, question, Vectors()), "q")
    return plain(bytes(reply(body).body))


def quick(shop: Shop) -> tuple[Followed, Pace]:
    """Merged, followed, and searched on the event loop as far as its pace says."""
    shop.writer.merge()
    right(shop, SOME, 10)
    followed = shop.answers.now(NAME)
    assert followed is not None
    held = followed.lists(None)
    assert held is not None
    held[2].measured(AT_ONCE / 2)
    return followed, held[2]


def plain(body: bytes) -> Any:
    """All of an answer but its time."""
    return {**json.loads(body), "took_ms": 0}


def test_answers_by_vector_are_right(shop: Shop, passes: list[int]) -> None:
    """Whatever others do, an answer found on the event loop equals the library's."""
    quick = mixed = 0
    for _ in range(110):
        try:
            shop.change()
        except CollectionBusy:
            continue
        for limit, together in ((1, 1), (5, 4), (20, 2)):
            vectors = np.stack([shop.vector() for _ in range(together)])
            expected = [right(shop, vector, limit) for vector in vectors]
            followed = shop.answers.now(NAME)
            assert followed is not None
            passes.clear()
            for found, right_one in zip(
                near_vectors(followed, vectors, limit, None), expected, strict=True
            ):
                if found is None:
                    continue
                quick += 1
                assert plain(found.body("q")) == right_one
                named = [each["id"] for each in right_one["neighbors"]]
                assert named == found.remembered().answer
            mixed += len(passes) == 2 and 0 < passes[1] < together
    assert quick > 100, "too few were found so: this would prove nothing"
    assert mixed > 10 or shop.images != ONE_IMAGE, "no batch needed a second search for some only"


@pytest.mark.parametrize("times", [1, 5])
def test_somebody_writes_while_texts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Once: it is searched again, and the answer has what was written. Always: it is left."""
    shop = shop_of(tmp_path, "vectors:4", 4, np.random.default_rng(1), ONE_IMAGE)
    followed, _ = quick(shop)
    items, left = followed.following.items, [times]

    def read(keys: Sequence[int]) -> Any:
        found = items(keys)
        if left[0]:
            left[0] -= 1
            image = ItemImage({"look": SOME})
            shop.writer.append([Put(Item(f"written-{left[0]}", None, {}, (image,)))])
        return found

    monkeypatch.setattr(followed.following, "items", read)
    vectors = np.stack([SOME, SOME[::-1]])
    found = near_vectors(followed, vectors, 3, None)
    if times > 1:
        assert found == [None, None]
    else:
        assert found[0] is not None
        assert found[0].told[0][0].id == "written-0"
        assert plain(found[0].body("q")) == right(shop, SOME, 3)
    shop.close()


def test_a_slow_search_stays_off_the_event_loop(tmp_path: Path) -> None:
    """What takes long is for a thread."""
    shop = shop_of(tmp_path, "vectors:4", 4, np.random.default_rng(1))
    followed, pace_of_it = quick(shop)
    assert near_vectors(followed, SOME[np.newaxis], 3, None)[0] is not None
    pace_of_it.measured(AT_ONCE * 2)
    assert near_vectors(followed, SOME[np.newaxis], 3, None)[0] is None
    shop.close()


def test_no_snapshot_no_quick_way(tmp_path: Path) -> None:
    """Before the first merge there is nothing to be searched so: a thread answers."""
    shop = shop_of(tmp_path, "vectors:4", 4, np.random.default_rng(1))
    assert right(shop, SOME, 3)["complete"]
    followed = shop.answers.now(NAME)
    assert followed is not None
    assert near_vectors(followed, SOME[np.newaxis], 3, None)[0] is None
    shop.close()


JSON = [(b"content-type", b"application/json")]
FLOATS = [(b"content-type", b"application/octet-stream")]


@pytest.mark.parametrize(
    ("headers", "query", "body"),
    [
        (FLOATS, b"", np.ones(3, "<f4").tobytes()),
        (FLOATS, b"limit=10", np.ones(3, "<f4").tobytes()),
        (JSON, b"", b'{"vector": [1, 1.0, 1e0]}'),
        ([(b"content-type", b"Application/JSON; charset=utf-8")], b"", b'{"vector": [1, 1, 1]}'),
        (JSON, b"", b'{"vector": "AACAPwAAgD8AAIA/", "limit": 10, "exact": false}'),
        (JSON, b"", b'{"vector": [1,1,1], "with": ["attributes"], "diversity": 0}'),
    ],
)
def test_plain_questions(headers: Any, query: bytes, body: bytes) -> None:
    """Each form of a vector is read, and a body that says what is usual is plain, too."""
    found = read_question({"headers": headers, "query_string": query}, body)
    assert found is not None
    assert found.vector.tolist() == [1, 1, 1]
    assert (found.limit, found.lens) == (10, None)


@pytest.mark.parametrize(
    ("headers", "query", "body"),
    [
        ([], b"", np.ones(3, "<f4").tobytes()),
        (FLOATS, b"limit=0", np.ones(3, "<f4").tobytes()),
        (FLOATS, b"exact=true", np.ones(3, "<f4").tobytes()),
        (FLOATS, b"", b"12345"),
        (FLOATS, b"", b""),
        (FLOATS, b"", np.ones(20_000, "<f4").tobytes()),
        (JSON, b"limit=3", b'{"vector": [1, 1, 1]}'),
        (JSON, b"", b'{"vector": [1, 1, 1], "score_threshold": 0}'),
        (JSON, b"", b'{"vector": [1, 1, 1], "with": ["vector"]}'),
        (JSON, b"", b'{"vector": [1, 1, 1], "id": "a"}'),
        (JSON, b"", b'{"vector": "AACAPwAAgD8A"}'),
        (JSON, b"", b'{"vector": "?"}'),
        (JSON, b"", b'{"vector": ["a"]}'),
        (JSON, b"", b'{"vector": [1], "limit": 0}'),
        (JSON, b"", b'{"vector": [1], "limits": 1}'),
        (JSON, b"", b'{"vector"'),
        (JSON, b"", b'{"id": "vector"}'),
        (JSON, b"", b'{"vector": ' + b"[" * 5_000),
        (JSON, b"", b'{"vector": [1], "lens": "\xff"}'),
    ],
)
def test_what_is_not_plain(headers: Any, query: bytes, body: bytes) -> None:
    """What asks for more, or is wrong, is left to the router, which has the words for it."""
    assert read_question({"headers": headers, "query_string": query}, body) is None


def test_vectors_that_only_the_library_can_refuse() -> None:
    """What is not finite, nothing, or too large to be squared is not searched with here."""
    vectors = np.array(
        [[1, 2], [0, 0], [1, np.nan], [np.inf, 1], [1e30, 1], [1e-30, 0], [-1, 0]], np.float32
    )
    assert are_usable(vectors).tolist() == [True, False, False, False, False, False, True]
    assert are_usable(np.empty((1, 0), np.float32)).tolist() == [False]


OTHERS: dict[str, Any] = {
    "filter": "category=mug",
    "region": (0.0, 0.0, 0.5, 1.0),
    "score_threshold": 0.5,
    "diversity": 0.5,
    "collapse": True,
    "exact": True,
    "effort": 0.5,
    "generation": 1,
    "wishes": ["attributes", "explain"],
    "id": "a",
    "ids": ["a"],
    "image": "AAAA",
    "image_base64": "AAAA",
    "image_url": "https://example.org/a.png",
    "text": "a mug",
    "positive": [],
    "negative": [],
    "negative_weight": 1.0,
}
"""Every field of a question but the vector, the limit and the lens, as it is not usually."""


def test_what_is_plain() -> None:
    """A vector with a limit and a lens; anything else that is said makes it another question."""
    plain: dict[str, Any] = {"vector": [1.0, 2.0], "limit": 5, "lens": "look"}
    assert {*OTHERS, *plain} == {*QueryBody.__struct_fields__}
    body = QueryBody(**plain)
    assert is_plain(body)
    assert body == QueryBody(**plain)  # it is as it was
    assert of_body(body).vector is not None
    scope = {"headers": [(b"content-type", b"application/json")], "query_string": b""}
    assert read_question(scope, msgspec.json.encode(body)) is not None
    for name, value in OTHERS.items():
        other = QueryBody(**plain, **{name: value})
        assert not is_plain(other), name
        assert read_question(scope, msgspec.json.encode(other)) is None, name


def test_addresses() -> None:
    """Only the query route is answered so."""
    assert collection_asked({"raw_path": b"/v1/collections/shop/query"}) == "shop"
    for path in (b"/v1/collections/a/b/query", b"/v1/query", b"/v1/collections/%61/query"):
        assert collection_asked({"raw_path": path}) is None


def test_a_database_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick ways leave it to the library, which has words for it."""
    shop = shop_of(tmp_path, "vectors:4", 4, np.random.default_rng(1))
    followed, _ = quick(shop)

    def broken(*_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(followed.following, "items", broken)
    assert near_vectors(followed, SOME[np.newaxis], 3, None)[0] is None
    assert followed.told([(1, 0.5)], 1) is None
    monkeypatch.setattr(followed.following, "key_of", broken)
    assert near_item(followed, Question("1")) is None
    assert followed.find(Question("1")) is None
    shop.close()


def test_what_was_learnt_in_vain_is_not_learnt_again_at_once(tmp_path: Path) -> None:
    """Where nothing can be followed yet, a question does not cost a search more than its own."""
    shop = shop_of(tmp_path, "vectors:4", 4, np.random.default_rng(1))  # never merged
    begun = []

    class Counted(Threads):
        async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            begun.append(function)
            return await super().run(function, *args, **kwargs)

    @dataclass
    class Opened:
        store: Any

    async def ask() -> None:
        threads = Counted(1, 10)
        learning = Learning(shop.answers, threads)
        for _ in range(5):
            learning.asked(NAME, Opened(shop.reader), None, SOME)  # type: ignore[arg-type]  # as much as is needed
            await asyncio.sleep(0.05)
        threads.close()

    asyncio.run(ask())
    assert len(begun) == 1
    shop.close()
