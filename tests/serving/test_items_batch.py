"""Batches of items over HTTP: a status per row, whatever is wrong with others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.item_server import (
    OWN,
    PICTURES,
    bomb,
    floats,
    item_server,
    lines,
    listed,
    picture,
    problem,
    state,
    text,
)
from tests.serving.running_server import Server

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with item_server(tmp_path_factory.mktemp("batch")) as running:
        yield running


def batch(server: Server, collection: str, body: Any, headers: Any = None) -> Any:
    """A batch's answer, which is 200 whatever became of its rows."""
    answer = server.ask("POST", f"{collection}/items:batch", body, headers)
    assert answer.status == 200, answer.body
    return answer.json()


@pytest.mark.parametrize("as_lines", [False, True])
def test_every_operation(server: Server, as_lines: bool) -> None:
    """Put, patch and delete in order, also of one item; an array and lines mean the same."""
    name = f"x{as_lines}"
    rows: list[dict[str, Any]] = [
        {"id": f"{name}1", "vector": [1, 0, 0, 0], "category": "mug"},
        {"op": "put", "id": f"{name}2", "vector": floats(0, 1, 0, 0), "attributes": {"a": 1}},
        {"op": "patch", "id": f"{name}1", "attributes": {"price": 5}},
        {"id": f"{name}3", "vectors": {"vectors": [1, 1, 1, 1]}},
        {"op": "delete", "id": f"{name}3"},
        {"op": "patch", "id": f"{name}2", "category": "cup"},
    ]
    done = batch(server, OWN, lines(*rows), NDJSON) if as_lines else batch(server, OWN, rows)
    assert done["failed"] == 0
    assert [(row["id"], row["status"]) for row in done["rows"]] == [
        (row["id"], 204 if row.get("op") == "delete" else 200) for row in rows
    ]
    found = {each["id"]: each for each in listed(server, OWN) if each["id"].startswith(name)}
    assert set(found) == {f"{name}1", f"{name}2"}
    assert (found[f"{name}1"]["category"], found[f"{name}1"]["attributes"]) == ("mug", {"price": 5})
    assert (found[f"{name}2"]["category"], found[f"{name}2"]["attributes"]) == ("cup", {"a": 1})


BAD_ROWS: list[tuple[Any, int, str]] = [
    ({"id": "x"}, 422, "invalid_body"),
    ({"vector": [1, 2, 3, 4]}, 422, "invalid_body"),
    ({"id": "", "vector": [1, 2, 3, 4]}, 422, "invalid_id"),
    ({"id": "a\0b", "vector": [1, 2, 3, 4]}, 422, "invalid_id"),
    ({"id": "x" * 10_000, "vector": [1, 2, 3, 4]}, 422, "invalid_id"),
    ({"id": None, "vector": [1, 2, 3, 4]}, 422, "invalid_body"),
    ({"id": 10**400, "vector": [1, 2, 3, 4]}, 422, "invalid_id"),
    ({"id": "x", "vector": [1, 2, 3]}, 422, "invalid_vector"),
    ({"id": "x", "vector": [0, 0, 0, 0]}, 422, "invalid_vector"),
    ({"id": "x", "vector": [1e300, 2, 3, 4]}, 422, "invalid_vector"),
    ({"id": "x", "vector": floats(float("nan"), 1, 2, 3)}, 422, "invalid_vector"),
    ({"id": "x", "vector": "AAA"}, 422, "invalid_body"),
    ({"id": "x", "vector": "AAAA"}, 422, "invalid_vector"),
    ({"id": "x", "vector": [1, 2, "3", 4]}, 422, "invalid_body"),
    ({"id": "x", "vectors": {"none": [1, 2, 3, 4]}}, 404, "unknown_lens"),
    ({"id": "x", "vectors": {}}, 422, "invalid_body"),
    ({"id": "x", "vector": [1, 2, 3, 4], "image_url": "http://a/"}, 422, "invalid_body"),
    ({"id": "x", "vector": [1, 2, 3, 4], "colour": "red"}, 422, "invalid_body"),
    ({"id": "x", "vector": [1, 2, 3, 4], "category": ""}, 400, "usage"),
    ({"id": "x", "vector": [1, 2, 3, 4], "attributes": {"": 1}}, 400, "usage"),
    ({"id": "x", "vector": [1, 2, 3, 4], "attributes": {"a": {}}}, 422, "invalid_body"),
    ({"id": "x", "op": "steal"}, 422, "invalid_body"),
    ({"id": "none", "op": "patch"}, 404, "item_not_found"),
    ({"id": "none", "op": "delete"}, 404, "item_not_found"),
    ({"id": "good0", "op": "delete", "vector": [1, 2, 3, 4]}, 422, "invalid_body"),
    ({"id": "good0", "op": "delete", "category": "mug"}, 422, "invalid_body"),
    ({"id": "good0", "op": "patch", "image_base64": "AAAA"}, 422, "invalid_body"),
    ({"id": "x", "image_base64": "AAAA"}, 400, "usage"),
    (7, 422, "invalid_body"),
    (None, 422, "invalid_body"),
    ([], 422, "invalid_body"),
]


def test_bad_rows_fail_alone(server: Server) -> None:
    """Each among good ones: it says what is wrong in its place, and the good ones are all done."""
    rows: list[Any] = []
    for number, (row, _, _) in enumerate(BAD_ROWS):
        rows += [{"id": f"good{number}", "vector": [1, 2, 3, number + 1]}, row]
    done = batch(server, OWN, rows)
    assert done["failed"] == len(BAD_ROWS)
    assert [row["status"] for row in done["rows"][::2]] == [200] * len(BAD_ROWS)
    for result, (row, status, code) in zip(done["rows"][1::2], BAD_ROWS, strict=True):
        assert (result["status"], result["code"]) == (status, code), (row, result)
        assert result["detail"]
    ids = {item["id"] for item in listed(server, OWN)}
    assert {f"good{number}" for number in range(len(BAD_ROWS))} <= ids
    assert not ids & {"x", "", "none"}


def test_a_damaged_line_fails_alone(server: Server) -> None:
    """Lines are read one by one; empty ones and CRLF are passed over."""
    good = json.dumps({"id": "line", "vector": [1, 2, 3, 4]}).encode()
    body = b"\r\n" + good + b'\r\n{"id": "cut"\n\xff\xfe\n' + b"[" * 100_000 + b"\n\n"
    done = batch(server, OWN, body, NDJSON)
    assert [row["status"] for row in done["rows"]] == [200, 400, 400, 422]
    assert [row["id"] for row in done["rows"]] == ["line", None, None, None]


def test_pictures_of_a_batch(server: Server) -> None:
    """More than are worked on at once; one that is none fails alone and is named."""
    rows = [{"id": n, "image_base64": text(picture(n))} for n in range(50)]
    rows[7]["image_base64"] = text(b"no picture")
    rows[8]["image_base64"] = text(bomb(100_000, 100_000))
    rows[9] = {"id": 9, "image_url": "http://127.0.0.1/x.png"}
    done = batch(server, PICTURES, rows)
    assert done["failed"] == 3
    codes = {row["id"]: row.get("code") for row in done["rows"]}
    assert (codes["7"], codes["8"], codes["9"]) == (
        "not_an_image",
        "image_too_large",
        "fetch_refused",
    )
    ids = {item["id"] for item in listed(server, PICTURES)}
    assert ids == {str(n) for n in range(50)} - {"7", "8", "9"}


def test_more_rows_than_one_write_takes(server: Server) -> None:
    """Rows of several writes keep their order."""
    rows = [{"id": f"m{n}", "vector": [n + 1, 1, 0, 0]} for n in range(2_500)]
    rows.append({"op": "delete", "id": "m0"})
    rows.append({"op": "delete", "id": "m0"})
    done = batch(server, OWN, rows)
    assert [row["status"] for row in done["rows"]] == [200] * 2_500 + [204, 404]
    found = server.ask("POST", f"{OWN}/items:count", {}).json()["count"]
    assert found == len([*ids_of(server)])
    assert "m2499" in ids_of(server)
    assert "m0" not in ids_of(server)


def ids_of(server: Server) -> set[str]:
    """All ids, page by page."""
    found: set[str] = set()
    cursor: str | None = None
    while True:
        body = {"limit": 1_000, "cursor": cursor}
        page = server.ask("POST", f"{OWN}/items:scroll", body).json()
        found |= {item["id"] for item in page["items"]}
        cursor = page["cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {"Content-Type": "application/json"}, 400, "malformed_body"),
        (b"[{}", {"Content-Type": "application/json"}, 400, "malformed_body"),
        (b"{}", {"Content-Type": "application/json"}, 422, "invalid_body"),
        (b"[]", {"Content-Type": "text/plain"}, 415, "unsupported_media"),
        (b"[]", {}, 415, "unsupported_media"),
        (
            b"[1" + b",1" * 10_000 + b"]",
            {"Content-Type": "application/json"},
            413,
            "body_too_large",
        ),
        (b"1\n" * 10_001, NDJSON, 413, "body_too_large"),
    ],
)
def test_bodies_that_are_refused_whole(
    server: Server, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Nothing of them is done."""
    before = state(server)
    answer = server.ask("POST", f"{OWN}/items:batch", body, headers)
    assert problem(answer) == (status, code)
    assert state(server) == before


def test_an_empty_batch(server: Server) -> None:
    """There is nothing to do, and that is done."""
    assert batch(server, OWN, []) == {"rows": [], "failed": 0}
    assert batch(server, OWN, b"\n", NDJSON) == {"rows": [], "failed": 0}
