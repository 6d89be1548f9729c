"""The bound on a vector's dimension: of what is sent through every door, and of lenses."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import mitame
from mitame.config import LimitsConfig
from mitame.errors import InvalidVector
from mitame.serving.dimensions import check_dimension
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Answered, Server

MOST = 48
"""As many as the lens ``color`` has not."""
X = "/v1/collections/x"
WIDE = "/v1/collections/wide"
"""Made by the operator, with a lens that has one more."""
LONG, RIGHT = [1.0] * (MOST + 1), [1.0] * MOST
TOO_MANY = "a vector has 49 dimensions, more than 48"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    with mitame.open(data, "wide", lenses={"vectors": f"vectors:{MOST + 1}"}) as wide:
        wide.add("1", vector=LONG)
    with limited_server(data, limits={"dimension": MOST}, gannoy=True) as running:
        assert running.ask("PUT", X, {"dim": MOST}).status == 201
        yield running


def check_refused(answer: Answered, detail: str, code: str = "invalid_vector") -> None:
    found = answer.json()
    assert (answer.status, found["code"]) == (422, code), answer.body
    assert detail in found["detail"]
    assert "limits.dimension" in found["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"dim": MOST + 1}, "'vectors' has 49 dimensions, more than 48"),
        ({"dim": 70_000}, "'vectors' has 70,000 dimensions, more than 48"),
        ({"dim": 2_000_000_000}, "more than 48"),
        ({"lenses": {"a": "vectors:4", "b": "vectors:49:euclidean"}}, "'b' has 49 dimensions"),
        ({"lenses": {"a": "color"}}, "'a' has"),
    ],
)
def test_no_lens_is_made_wider(server: Server, body: Mapping[str, Any], told: str) -> None:
    """By its number or by its embedder; the collection is not there afterwards."""
    check_refused(server.ask("PUT", "/v1/collections/new", body), told, "invalid_body")
    assert server.ask("GET", "/v1/collections/new").status == 404


def test_a_lens_as_wide_as_the_limit_is_made(server: Server) -> None:
    """The bound itself is within it, and an item of it is put and found."""
    described = server.ask("GET", X).json()["lenses"]["vectors"]
    assert described["dimension"] == MOST
    assert server.ask("PUT", f"{X}/items/right", {"vector": RIGHT}).status == 200
    found = server.ask("POST", f"{X}/query", {"vector": RIGHT}).json()["neighbors"]
    assert [each["id"] for each in found] == ["right"]


@pytest.mark.parametrize("collection", [X, WIDE])
@pytest.mark.parametrize(
    "vector", [LONG, base64.b64encode(struct.pack("<49f", *LONG)).decode()], ids=["json", "base64"]
)
def test_no_vector_that_is_sent_is_wider(
    server: Server, collection: str, vector: list[float] | str
) -> None:
    """Items one by one and many at once, questions and their examples; also where a lens is."""
    for body in ({"vector": vector}, {"vectors": {"vectors": vector}}):
        check_refused(server.ask("PUT", f"{collection}/items/2", body), TOO_MANY)
    rows = [{"id": "2", "vector": vector}]
    row = server.ask("POST", f"{collection}/items:batch", rows).json()["rows"][0]
    assert (row["status"], row["code"]) == (422, "invalid_vector")
    assert TOO_MANY in row["detail"]
    questions: list[dict[str, Any]] = [
        {"vector": vector, "exact": True},
        {"positive": [{"vector": vector}]},
        {"positive": [{"id": "1"}], "negative": [{"vector": vector}]},
    ]
    for question in questions:
        check_refused(server.ask("POST", f"{collection}/query", question), TOO_MANY)
    batch = server.ask("POST", f"{collection}/query:batch", {"queries": questions})
    for answer in batch.json()["answers"]:
        assert (answer["status"], answer["code"]) == (422, "invalid_vector")
        assert TOO_MANY in answer["detail"]
    assert server.ask("GET", f"{collection}/items/2").status == 404


def test_no_vector_that_is_sent_as_bytes_is_wider(server: Server) -> None:
    """The body of a question that is nothing but floats."""
    floats = struct.pack("<49f", *LONG)
    kind = {"Content-Type": "application/octet-stream"}
    check_refused(server.ask("POST", f"{X}/query", floats, kind), TOO_MANY)


@pytest.mark.parametrize("database", ["x", "wide"])
def test_no_features_are_wider(server: Server, database: str) -> None:
    """gannoy's routes: 422 without a body, as it refused what a database can't hold."""
    path = f"/databases/{database}/features"
    for method, where, body in (
        ("PUT", f"{path}/2", {"features": LONG}),
        ("POST", path, {"key": 2, "features": LONG}),
    ):
        answer = server.ask(method, where, body)
        assert (answer.status, answer.body) == (422, b"")
    assert server.ask("GET", f"/search?database={database}&key=2").status == 404


def test_what_the_operator_made_wider_is_still_there(server: Server) -> None:
    """The bound is on what callers send: items of a wider lens are described and searched by id."""
    assert server.ask("GET", WIDE).json()["lenses"]["vectors"]["dimension"] == MOST + 1
    assert server.ask("POST", f"{WIDE}/query", {"id": "1"}).status == 200


@pytest.mark.parametrize(("most", "can_grow"), [(65_535, True), (65_536, False)])
def test_the_remedy_can_be_followed(most: int, can_grow: bool) -> None:
    """Nobody is told to raise what is at its greatest value."""
    with pytest.raises(InvalidVector) as caught:
        check_dimension(70_000, LimitsConfig(dimension=most))
    assert ("raise limits.dimension" in (caught.value.remedy or "")) == can_grow
