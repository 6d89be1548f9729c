"""Questions over HTTP, against a real server and brute force."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

import mitame
from mitame.distances import exact
from mitame.mixing import mixed
from mitame.wire.queries import BatchAnswers, ExplainedAnswer
from tests.serving.running_server import Answered, Server

COUNT, DIMENSION = 120, 6
FLOATS = {"Content-Type": "application/octet-stream"}
QUERY = "/v1/collections/shop/query"
ODD = "a/b c?d#e%f"


def vectors() -> np.ndarray:
    rng = np.random.default_rng(11)
    rows = rng.normal(size=(COUNT, DIMENSION))
    rows[100:] = rows[:20] + 0.001  # near-copies
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("queries")
    with mitame.open(data, "shop", lenses={"vectors": f"vectors:{DIMENSION}"}) as shop:
        for n, row in enumerate(vectors()):
            shop.add(name_of(n), vector=row, category="abc"[n % 3], attributes={"n": n})
            if n == 60:
                shop.store.merge()
    with Server(data) as running:
        yield running


def name_of(number: int) -> str:
    return ODD if number == 7 else f"i{number:03}"


def asked(server: Server, body: Any, path: str = QUERY, **headers: str) -> ExplainedAnswer:
    answer = server.ask("POST", path, body, headers)
    assert answer.status == 200, answer.body
    return msgspec.json.decode(answer.body, type=ExplainedAnswer)


def ids(answer: ExplainedAnswer) -> list[str]:
    return [each.id for each in answer.neighbors]


def brute(
    question: np.ndarray, limit: int, without: frozenset[int] = frozenset(), step: int = 1
) -> list[str]:
    """Names of the nearest rows, every `step`-th of which passes."""
    away = [(float(exact(question, vectors()[n : n + 1], "cosine")[0]), n) for n in range(COUNT)]
    return [name_of(n) for _, n in sorted(away) if n not in without and n % step == 0][:limit]


def test_by_vector_in_every_form(server: Server) -> None:
    """A list, base64 and raw bytes say the same, and get the same answer: the nearest."""
    own = vectors()[33]
    text = base64.b64encode(own.astype("<f4").tobytes()).decode()
    expected = brute(own, 10)
    for answer in (
        asked(server, {"vector": own.tolist()}),
        asked(server, {"vector": text}),
        asked(server, own.astype("<f4").tobytes(), **FLOATS),
    ):
        assert ids(answer) == expected
        assert (answer.complete, answer.reason, answer.lens) == (True, None, "vectors")
        assert answer.reliable
        assert answer.neighbors[0].match == "same"
        assert answer.neighbors[0].attributes == {"n": 33}


def test_options_in_the_query_string(server: Server) -> None:
    """Where the body is the vector, everything else can be said in the query string."""
    path = f"{QUERY}?limit=4&filter=category=a&with=vector,explain&lens=vectors&exact=true"
    answer = asked(server, vectors()[1].tobytes(), path, **FLOATS)
    assert ids(answer) == brute(vectors()[1], 4, step=3)
    first = answer.neighbors[0]
    assert first.attributes is msgspec.UNSET
    number = [name_of(n) for n in range(COUNT)].index(first.id)
    assert isinstance(first.vector, list)
    assert np.allclose(first.vector, vectors()[number] / np.linalg.norm(vectors()[number]))
    assert isinstance(answer.explain, dict)
    assert (answer.explain["passing"], answer.explain["items"]) == (COUNT / 3, COUNT)
    assert isinstance(first.explain, dict)


def test_by_items(server: Server) -> None:
    """By one and by several, none of which is answered; an id may hold anything."""
    answer = asked(server, {"id": ODD, "limit": 5})
    assert ids(answer) == brute(vectors()[7], 5, frozenset({7}))
    answer = asked(server, {"ids": ["i001", "i002", "i001"], "limit": 100})
    nearest = [
        min(float(exact(each, vectors()[n : n + 1], "cosine")[0]) for each in vectors()[1:3])
        for n in range(COUNT)
    ]
    expected = [name_of(n) for n in np.argsort(nearest, kind="stable").tolist() if n not in (1, 2)]
    assert ids(answer) == expected[:100]


def test_paths_of_thumbnails_are_encoded(server: Server) -> None:
    """An id with a slash is one segment of the path."""
    answer = asked(server, {"vector": vectors()[7].tolist(), "limit": 1})
    expected = "/v1/collections/shop/items/a%2Fb%20c%3Fd%23e%25f/thumbnail"
    assert answer.neighbors[0].image == expected


def test_by_examples(server: Server) -> None:
    """Positive and negative examples, ids and vectors mixed, by the library's own rule."""
    rows = vectors() / np.linalg.norm(vectors(), axis=1, keepdims=True)
    question = mixed(rows[[10, 40]], rows[[50]], 1.0, "cosine")
    body = {
        "positive": [{"id": "i010"}, {"vector": vectors()[40].tolist()}],
        "negative": [{"id": "i050"}],
        "negative_weight": 1.0,
        "limit": 7,
    }
    assert ids(asked(server, body)) == brute(question, 7, frozenset({10, 50}))


def test_thresholds_and_why_an_answer_is_short(server: Server) -> None:
    """Less than the limit is told with its reason."""
    answer = asked(server, {"id": "i003", "score_threshold": 0.99, "limit": 5})
    assert ids(answer) == ["i103"]
    assert not answer.complete
    assert answer.reason is not None
    answer = asked(server, {"id": "i003", "filter": {"must": [{"key": "n", "match": -1}]}})
    assert (ids(answer), answer.complete, answer.reliable) == ([], False, False)


def test_near_copies_once_and_diversity(server: Server) -> None:
    """collapse answers one of each pair; diversity another order."""
    plain = asked(server, {"vector": vectors()[3].tolist(), "limit": 2})
    assert sorted(ids(plain)) == ["i003", "i103"]
    once = asked(server, {"vector": vectors()[3].tolist(), "limit": 50, "collapse": True})
    assert len({"i003", "i103"} & set(ids(once))) == 1
    numbers = [int(each[1:]) % 100 for each in ids(once) if each != ODD]
    assert len(numbers) == len(set(numbers))
    apart = asked(server, {"vector": vectors()[3].tolist(), "limit": 5, "diversity": 0.9})
    assert ids(apart)[0] == ids(plain)[0]
    assert ids(apart)[1] != ids(plain)[1]


def test_query_ids_are_distinct(server: Server) -> None:
    """Every answer has a name of its own."""
    found = [asked(server, {"id": "i001"}).query_id for _ in range(20)]
    assert len(set(found)) == 20


def test_batch(server: Server) -> None:
    """Each question has a status; wrong ones don't touch the others; all at one position."""
    queries = [
        {"id": "i001", "limit": 3},
        {"id": 5},
        {"id": "nobody"},
        7,
        {"vector": [1, 2]},
        {"vector": vectors()[9].tolist(), "limit": 2},
        {"image_url": "http://127.0.0.1:9/x.jpg"},
        {"text": "a mug"},
    ]
    answer = server.ask("POST", f"{QUERY}:batch", {"queries": queries})
    assert answer.status == 200, answer.body
    found = msgspec.json.decode(answer.body, type=BatchAnswers).answers
    assert [each.status for each in found] == [200, 422, 404, 422, 422, 200, 400, 422]
    assert all((each.answer is None) == (each.code is not None) for each in found)
    one, other = found[0].answer, found[5].answer
    assert one is not None
    assert other is not None
    assert ids(one) == brute(vectors()[1], 3, frozenset({1}))
    assert ids(other) == brute(vectors()[9], 2)
    assert one.position == other.position
    assert one.query_id != other.query_id
    assert server.ask("POST", f"{QUERY}:batch", {"queries": []}).json() == {"answers": []}


def test_batches_are_bounded(server: Server) -> None:
    """More questions than the limit are refused as a whole."""
    answer = server.ask("POST", f"{QUERY}:batch", {"queries": [{}] * 10_001})
    assert (answer.status, answer.json()["code"]) == (413, "body_too_large")


OWN = [0.5] * DIMENSION
WRONG: list[tuple[Any, int]] = [
    ({}, 422),
    ({"id": "i001", "vector": OWN}, 422),
    ({"id": "nobody"}, 404),
    ({"id": ""}, 422),
    ({"id": "a\x00b"}, 422),
    ({"id": "x" * 10_000}, 422),
    ({"ids": []}, 422),
    ({"ids": ["i001"] * 101}, 422),
    ({"vector": [1.0] * 5}, 422),
    ({"vector": []}, 422),
    ({"vector": [0.0] * DIMENSION}, 422),
    ({"vector": [1e39] * DIMENSION}, 422),
    ({"vector": "AAA"}, 422),
    ({"vector": "AAAA"}, 422),
    ({"vector": base64.b64encode(np.full(6, np.nan, "<f4").tobytes()).decode()}, 422),
    ({"vector": ["1"] * DIMENSION}, 422),
    ({"image": "*"}, 422),
    ({"image_url": "file:///etc/passwd"}, 422),
    ({"image_url": "gopher://127.0.0.1/"}, 422),
    ({"text": "a mug"}, 422),
    ({"positive": []}, 422),
    ({"positive": [{}]}, 422),
    ({"positive": [{"id": "i001", "text": "x"}]}, 422),
    ({"positive": [{"id": "i001"}], "id": "i002"}, 422),
    ({"negative": [{"id": "i001"}]}, 422),
    ({"negative": [{"id": "i001"}], "vector": OWN}, 422),
    ({"positive": [{"vector": OWN}, {"vector": [-0.5] * DIMENSION}]}, 422),
    ({"positive": [{"id": "i001"}], "negative_weight": 11}, 422),
    ({"id": "i001", "limit": 0}, 422),
    ({"id": "i001", "limit": 10_001}, 422),
    ({"id": "i001", "limit": True}, 422),
    ({"id": "i001", "limit": 2_000, "diversity": 0.5}, 400),
    ({"id": "i001", "diversity": 1.1}, 422),
    ({"id": "i001", "effort": -1}, 422),
    ({"id": "i001", "with": ["everything"]}, 422),
    ({"id": "i001", "region": [0, 0, 1, 1]}, 422),
    ({"id": "i001", "region": [0, 0, 1]}, 422),
    ({"id": "i001", "lens": "none"}, 404),
    ({"id": "i001", "filter": {"must": 1}}, 422),
    ({"id": "i001", "filter": "price<"}, 422),
    ({"id": "i001", "filter": 7}, 422),
    ({"id": "i001", "unknown": 1}, 422),
    ([], 422),
    (b"{", 400),
    (b"", 400),
    (b"\xff\xfe", 400),
    (b'{"filter":' + b'{"a":' * 100_000, 400),
    (b'{"id": "\xff"}', 400),
    (b'{"id": "\\ud800"}', 400),
    (b'{"vector": [NaN]}', 400),
]


@pytest.mark.parametrize(("body", "status"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_wrong_bodies(server: Server, body: Any, status: int) -> None:
    """Each is a problem with a stable code that says what is wrong, and never a 5xx."""
    answer = server.ask("POST", QUERY, body, {"Content-Type": "application/json"})
    problem_of(answer, status)


def problem_of(answer: Answered, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.body)
    assert found["code"]
    assert found["detail"]
    return found


@pytest.mark.parametrize(
    ("path", "body", "media", "status"),
    [
        (QUERY, b"12345", "application/octet-stream", 422),
        (QUERY, b"", "application/octet-stream", 422),
        (QUERY, b"\0" * 20, "application/octet-stream", 422),
        (f"{QUERY}?limit=x", b"\0" * 24, "application/octet-stream", 422),
        (f"{QUERY}?limit=1&limit=2", b"\0" * 24, "application/octet-stream", 422),
        (f"{QUERY}?nothing=1", b"\0" * 24, "application/octet-stream", 422),
        (f"{QUERY}?with=all", b"\0" * 24, "application/octet-stream", 422),
        (f"{QUERY}?diversity=nan", b"\0" * 24, "application/octet-stream", 422),
        (f"{QUERY}?effort=nan", b"\0" * 24, "application/octet-stream", 422),
        (f"{QUERY}?collapse=inf", b"\0" * 24, "application/octet-stream", 422),
        (
            f"{QUERY}?score_threshold=nan",
            np.ones(6, "<f4").tobytes(),
            "application/octet-stream",
            400,
        ),
        (f"{QUERY}?region=0,0,1", b"\x89PNG", "image/png", 400),
        (f"{QUERY}?region=a", b"\x89PNG", "image/png", 422),
        (QUERY, b"{}", "text/plain", 415),
        (QUERY, b"{}", "", 415),
        (QUERY, b"x", "multipart/form-data", 400),
        (QUERY, b"x", "multipart/form-data; boundary=b", 400),
        ("/v1/collections/none/query", b"{}", "application/json", 404),
        (f"{QUERY}:batch", b"[]", "application/json", 422),
        (f"{QUERY}:batch", b"{}", "application/json", 422),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_wrong_requests(server: Server, path: str, body: bytes, media: str, status: int) -> None:
    """Whatever the content type says, a problem comes back."""
    headers = {"Content-Type": media} if media else {}
    problem_of(server.ask("POST", path, body, headers), status)
