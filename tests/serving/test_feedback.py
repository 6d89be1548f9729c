"""Feedback over HTTP: told once however often it is sent, kept over kill -9, read again."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import mitame
from mitame.wire.feedback import FeedbackLine
from tests.conftest import Run
from tests.serving.running_runner import until
from tests.serving.running_server import Server

SHOP = "/v1/collections/shop"


def collection(data: Path) -> None:
    with mitame.open(data, "shop", lenses={"vectors": "vectors:3"}) as shop:
        for n in range(5):
            shop.add(f"i{n}", vector=[1, n, n * n])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("feedback")
    collection(data)
    with Server(data) as running:
        yield running


def lines(server: Server, query: str = "") -> list[FeedbackLine]:
    answer = server.ask("GET", f"{SHOP}/feedback{query}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [msgspec.json.decode(line, type=FeedbackLine) for line in answer.body.splitlines()]


def about(server: Server, query_id: str) -> list[FeedbackLine]:
    return [each for each in lines(server, "?with_vectors=true") if each.query_id == query_id]


def test_a_question_and_what_came_of_it(server: Server) -> None:
    """Events carry what was asked: the vector, the lens's spec, what was answered."""
    body = {"vector": [1, 2, 4], "limit": 2, "filter": "category=null"}
    answer = server.ask("POST", f"{SHOP}/query", body).json()
    events = [
        {"type": "shown", "id": "i2", "rank": 1},
        {"type": "judged", "id": "i2", "value": "same", "at": "2026-02-03T04:05:06.5+01:00"},
        {"type": "bought", "id": "i2", "event_id": "e-1"},
    ]
    told = {"query_id": answer["query_id"], "events": events}
    first = server.ask("POST", f"{SHOP}/feedback", told)
    assert first.json() == {"stored": 3, "known": 0, "question": True}
    again = server.ask("POST", f"{SHOP}/feedback", told)
    assert again.json() == {"stored": 0, "known": 3, "question": True}
    shown, judged, bought = about(server, answer["query_id"])
    assert (shown.type, shown.id, shown.rank, shown.value) == ("shown", "i2", 1, None)
    assert (judged.value, judged.at) == ("same", "2026-02-03T03:05:06.500000Z")
    assert bought.event_id == "e-1"
    question = shown.question
    assert question is not None
    assert (question["kind"], question["lens"], question["ids"]) == ("vector", "vectors", [])
    assert question["answer"] == [each["id"] for each in answer["neighbors"]]
    assert question["position"] == answer["position"]
    assert question["filter"]["must"][0]["key"] == "category"
    vector = np.frombuffer(base64.b64decode(question["vectors"]), "<f4")
    assert np.allclose(vector, [1, 2, 4])
    with mitame.open(server.data, "shop", create=False) as shop:
        assert question["fingerprint"] == shop.lenses["vectors"].spec.fingerprint


def test_questions_of_each_kind_are_known(server: Server) -> None:
    """By id, by examples, and in a batch."""
    named = server.ask("POST", f"{SHOP}/query", {"id": "i1"}).json()["query_id"]
    mixed = {"positive": [{"id": "i1"}], "negative": [{"id": "i4"}]}
    batch = server.ask("POST", f"{SHOP}/query:batch", {"queries": [mixed]}).json()["answers"]
    for query_id, ids in ((named, ["i1"]), (batch[0]["answer"]["query_id"], ["i1", "i4"])):
        body = {"query_id": query_id, "events": [{"type": "clicked", "id": "i2"}]}
        assert server.ask("POST", f"{SHOP}/feedback", body).json()["question"]
        (line,) = about(server, query_id)
        assert line.question is not None
        assert line.question["ids"] == ids


def test_questions_that_nobody_knows(server: Server) -> None:
    """They are stored all the same; who has ids of its own can say which item it was of."""
    event = {"type": "clicked", "id": "i2"}
    body = {"query_id": "unknown", "events": [event]}
    assert server.ask("POST", f"{SHOP}/feedback", body).json()["question"] is False
    body = {"query_id": "page", "item": "i4", "events": [event]}
    assert server.ask("POST", f"{SHOP}/feedback", body).json()["question"] is True
    (line,) = about(server, "page")
    assert line.question is not None
    assert line.question["ids"] == ["i4"]


def test_answers_of_the_product_page(server: Server) -> None:
    """Kept ones and later pages, too: their ids say the item, the lens and the position."""
    for where in (f"{SHOP}/items/i1/similar?limit=2", f"{SHOP}/items/i3/similar?limit=2"):
        first, again = (server.ask("GET", where).json() for _ in range(2))
        page = server.ask("GET", f"{where}&cursor={first['cursor']}").json()
        for answer in (first, again, page):
            body = {"query_id": answer["query_id"], "events": [{"type": "clicked", "id": "i2"}]}
            assert server.ask("POST", f"{SHOP}/feedback", body).json()["question"]
            (line,) = about(server, answer["query_id"])
            assert line.question is not None
            assert line.question["ids"] == [where.split("/")[5]]
            assert line.question["position"] == answer["position"]
            with mitame.open(server.data, "shop", create=False) as shop:
                spec = shop.lenses["vectors"].spec
            assert line.question["lens"] == "vectors"
            assert line.question["fingerprint"] == spec.fingerprint


@pytest.mark.parametrize("query_id", ["{}-fffffff.{}.1", "{}-{}", "{}~{}", "{}-1.000000.1"])
def test_ids_that_are_invented(server: Server, query_id: str) -> None:
    """An item that is not there, half an id, a question that nobody asked, another lens."""
    invented = query_id.format("0" * 20, "a" * 20 if "~" in query_id else "abcdef")
    body = {"query_id": invented, "events": [{"type": "clicked", "id": "i2"}]}
    answer = server.ask("POST", f"{SHOP}/feedback", body)
    assert answer.status == 200
    assert answer.json()["question"] is (query_id == "{}-1.000000.1")
    (line,) = about(server, invented)
    if line.question is not None:
        assert (line.question["ids"], line.question["lens"]) == (["i0"], None)


def test_feedback_to_any_worker(tmp_path: Path) -> None:
    """Of two workers, whichever is told and whichever has answered: each question is known."""
    collection(tmp_path)
    asked: dict[str, str] = {}
    ways: set[tuple[str, str, str]] = set()  # kind of answer, who gave it, who was told
    with Server(tmp_path, "--workers", "2") as server:
        for n in range(200):
            one = f"{SHOP}/items/i{n % 5}/similar?limit=2"
            page = server.ask("GET", one).json()["query_id"]
            chosen = server.ask("GET", f"{one}&filter=category%3Dnull").json()["query_id"]
            query = server.ask("POST", f"{SHOP}/query", {"vector": [1, 2, n]}).json()["query_id"]
            asked |= {page: "id", chosen: "id", query: "vector"}
            for kind, query_id in (("page", page), ("chosen", chosen), ("query", query)):
                body = {"query_id": query_id, "events": [{"type": "clicked", "id": "i2"}]}
                answer = server.ask("POST", f"{SHOP}/feedback", body)
                assert answer.status == 200
                # Both ids begin with the name of the worker's process.
                ways.add((kind, query_id[:8], answer.headers["x-request-id"][:8]))
            if len(ways) == 3 * 2 * 2:
                break
        assert len(ways) == 3 * 2 * 2, "a worker was never told of another's answers"
        until(
            lambda: all(each.question is not None for each in lines(server)),
            "all questions are known",
        )
        told = {each.query_id: each.question for each in lines(server)}
    assert {name: question["kind"] for name, question in told.items() if question} == asked
    with_filter = [each for name, each in told.items() if "~" in name]
    assert len(with_filter) == n + 1
    assert all(each["filter"]["must"] and each["answer"] for each in with_filter if each)


def test_pages_of_an_export(server: Server) -> None:
    """Following the header leads through all events, each once."""
    events = [{"type": "shown", "id": f"i{n}", "rank": n + 1} for n in range(25)]
    server.ask("POST", f"{SHOP}/feedback", {"query_id": "many", "events": events})
    everyone, found, after = lines(server), [], "0"
    while after:
        answer = server.ask("GET", f"{SHOP}/feedback?limit=7&after={after}")
        found += [json.loads(line)["sequence"] for line in answer.body.splitlines()]
        after = answer.headers.get("mitame-next", "")
    assert found == [each.sequence for each in everyone]
    assert len(found) >= 25


EVENT = {"type": "clicked", "id": "i1"}
WRONG: list[tuple[Any, int]] = [
    ({"query_id": "q", "events": []}, 422),
    ({"query_id": "q", "events": [EVENT] * 1_001}, 422),
    ({"query_id": "", "events": [EVENT]}, 422),
    ({"query_id": "q" * 101, "events": [EVENT]}, 422),
    ({"events": [EVENT]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "type": "seen"}]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "id": ""}]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "id": "a\x00"}]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "rank": 0}]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "value": "same"}]}, 400),
    ({"query_id": "q", "events": [{**EVENT, "type": "judged"}]}, 400),
    ({"query_id": "q", "events": [{**EVENT, "at": "yesterday"}]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "at": "2026-01-01T00:00:00"}]}, 422),
    ({"query_id": "q", "events": [{**EVENT, "at": "0001-01-01T00:00:00+23:59"}]}, 400),
    ({"query_id": "q", "events": [{**EVENT, "more": 1}]}, 422),
    ({"query_id": "q", "events": [EVENT], "item": "a\x00"}, 422),
    (b"{", 400),
]


@pytest.mark.parametrize(("body", "status"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_wrong_bodies(server: Server, body: Any, status: int) -> None:
    """Each is a problem, and nothing of it is stored."""
    before = len(lines(server))
    headers = {"Content-Type": "application/json"}
    answer = server.ask("POST", f"{SHOP}/feedback", body, headers)
    assert (answer.status, "code" in answer.json()) == (status, True), answer.body
    assert len(lines(server)) == before


@pytest.mark.parametrize(
    "query", ["?after=-1", "?limit=0", "?limit=x", "?more=1", "?after=9" + "9" * 30]
)
def test_wrong_exports(server: Server, query: str) -> None:
    """A query string that can't be read is a problem."""
    assert server.ask("GET", f"{SHOP}/feedback{query}").status == 422


def test_kept_over_a_kill(tmp_path: Path, run: Run) -> None:
    """kill -9: what was acknowledged is there, for the next server and for the command."""
    collection(tmp_path / "data")
    with Server(tmp_path / "data") as server:
        query_id = server.ask("POST", f"{SHOP}/query", {"vector": [1, 2, 3]}).json()["query_id"]
        body = {"query_id": query_id, "events": [EVENT]}
        assert server.ask("POST", f"{SHOP}/feedback", body).json()["stored"] == 1
        server.stop(signal.SIGKILL)
    with Server(tmp_path / "data") as server:
        (line,) = about(server, query_id)
        assert line.question is not None
        assert line.question["kind"] == "vector"
        assert server.ask("POST", f"{SHOP}/feedback", body).json()["known"] == 1
    printed = run("feedback", "export", "-", "--collection", "shop", "--with-vectors")
    assert [json.loads(each)["query_id"] for each in printed.stdout.splitlines()] == [query_id]
    target = tmp_path / "out.jsonl"
    told = run("feedback", "export", target, "--collection", "shop", "--json")
    assert json.loads(told.stdout)["events"] == 1
    assert json.loads(target.read_text())["type"] == "clicked"
    assert run("feedback", "export", tmp_path / "none" / "x", "--collection", "shop").returncode


def test_a_collection_made_again_has_none(tmp_path: Path) -> None:
    """What was said about a dropped collection is not told of its successor."""
    with Server(tmp_path) as server:
        for _ in range(2):
            assert server.ask("PUT", SHOP, {"dim": 3}).status == 201
            assert lines(server) == []
            body = {"query_id": "q", "events": [EVENT]}
            assert server.ask("POST", f"{SHOP}/feedback", body).json()["stored"] == 1
            assert len(lines(server)) == 1
            assert server.ask("DELETE", SHOP).status == 204
