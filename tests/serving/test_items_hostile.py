"""Items over HTTP by callers who mean harm, or don't know better: 4xx, and nothing changed."""

from __future__ import annotations

import base64
import http.client
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.serving.item_server import (
    OWN,
    PICTURES,
    bomb,
    floats,
    form,
    item_server,
    picture,
    problem,
    state,
    text,
)
from tests.serving.running_server import Server

JSON = {"Content-Type": "application/json"}
PNG = {"Content-Type": "image/png"}
FORM = {"Content-Type": "multipart/form-data; boundary=xYzZY"}
VECTOR = {"vector": [1, 2, 3, 4]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with item_server(tmp_path_factory.mktemp("hostile")) as running:
        running.ask("PUT", f"{OWN}/items/there", VECTOR)
        running.ask("PUT", f"{PICTURES}/items/there", picture(1), PNG)
        yield running


def refused(server: Server, *request: Any) -> tuple[int, str]:
    """The problem that a request gets; fails where anything has changed."""
    before = state(server)
    found = problem(server.ask(*request))
    assert 400 <= found[0] < 500
    assert state(server) == before
    return found


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "DELETE"])
@pytest.mark.parametrize(
    ("item_id", "status", "code"),
    [
        ("%00", 422, "invalid_id"),
        ("a%00b", 422, "invalid_id"),
        ("a%0Ab", 422, "invalid_id"),
        ("%1b%5B2J", 422, "invalid_id"),
        ("%7F", 422, "invalid_id"),
        ("a" * 1_001, 422, "invalid_id"),
        ("a" * 10_000, 422, "invalid_id"),
        ("%E2%80%AE" * 1_001, 422, "invalid_id"),
        ("%ff%fe", 404, "route_not_found"),
        ("%ED%A0%80", 404, "route_not_found"),
        ("%C0%AE%C0%AE", 404, "route_not_found"),
        ("", 404, "route_not_found"),
        ("a/b", 404, "route_not_found"),
        ("../../etc/passwd", 404, "route_not_found"),
    ],
)
def test_ids_that_cannot_be(
    server: Server, method: str, item_id: str, status: int, code: str
) -> None:
    """Control characters, half characters, too many, and what is no one place in a path."""
    body = {"PUT": VECTOR, "PATCH": {"category": "x"}}.get(method)
    assert refused(server, method, f"{OWN}/items/{item_id}", body) == (status, code)


def zipped() -> bytes:
    """A zip with a picture, and one that unpacks to 10 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", picture(1))
        archive.writestr("zeros", bytes(10_000_000))
    return file.getvalue()


FILES: dict[str, tuple[bytes, int, str]] = {
    "no bytes": (b"", 422, "empty_image"),
    "text": (b"hello", 422, "not_an_image"),
    "a page": (b"<html><img src=x></html>", 422, "not_an_image"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported_image"),
    "a zip bomb": (zipped(), 422, "not_an_image"),
    "a pixel bomb": (bomb(100_000, 100_000), 413, "image_too_large"),
    "more pixels than the limit": (bomb(20_000, 5_001), 413, "image_too_large"),
    "no pixels": (bomb(0, 0), 422, "damaged_image"),
    "missing rows": (bomb(9_000, 9_000), 422, "damaged_image"),
    "cut off": (picture(1, "PNG", (300, 200))[:5_000], 422, "damaged_image"),
    "a JPEG cut off": (picture(1, "JPEG", (300, 200))[:1_000], 422, "damaged_image"),
    "a head alone": (picture(1)[:20], 422, "damaged_image"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("way", ["raw", "base64", "form"])
def test_files_that_are_no_pictures(server: Server, name: str, way: str) -> None:
    """However they are sent; the item that is there stays as it is."""
    data, status, code = FILES[name]
    sent: tuple[Any, Any] = (data, PNG)
    if way == "base64":
        sent = ({"image_base64": text(data)}, None)
    elif way == "form":
        sent = form(("image", "image/png", picture(2)), ("image", "image/png", data))
    assert refused(server, "PUT", f"{PICTURES}/items/there", *sent) == (status, code)


BODIES: dict[str, tuple[Any, Any, int, str]] = {
    "nothing": (b"", JSON, 400, "malformed_body"),
    "no JSON": (b"{", JSON, 400, "malformed_body"),
    "not UTF-8": (b'{"category": "\xff"}', JSON, 400, "malformed_body"),
    "UTF-16": ('{"vector":[1,2,3,4]}'.encode("utf-16"), JSON, 400, "malformed_body"),
    "half a character": (b'{"vector":[1,2,3,4],"category":"\\ud800"}', JSON, 400, "malformed_body"),
    "deep": (b'{"attributes":' + b"[" * 100_000, JSON, 422, "invalid_body"),
    "deep where anything may be": (b"[" * 200_000, JSON, 422, "invalid_body"),
    "a list": ([], None, 422, "invalid_body"),
    "null": (b"null", JSON, 422, "invalid_body"),
    "no picture": ({}, None, 422, "invalid_body"),
    "two things": ({**VECTOR, "image_url": "http://a.example/"}, None, 422, "invalid_body"),
    "an unknown field": ({**VECTOR, "categroy": "x"}, None, 422, "invalid_body"),
    "the id again": ({**VECTOR, "id": "x"}, None, 422, "invalid_body"),
    "NaN": (b'{"vector":[NaN,2,3,4]}', JSON, 400, "malformed_body"),
    "NaN packed": ({"vector": floats(float("nan"), 2, 3, 4)}, None, 422, "invalid_vector"),
    "infinity packed": ({"vector": floats(float("inf"), 2, 3, 4)}, None, 422, "invalid_vector"),
    "infinity": (b'{"vector":[1e999,2,3,4]}', JSON, 422, "invalid_body"),
    "beyond float32": ({"vector": [1e39, 2, 3, 4]}, None, 422, "invalid_vector"),
    "too few floats": ({"vector": [1, 2, 3]}, None, 422, "invalid_vector"),
    "too many floats": ({"vector": [1] * 100_000}, None, 422, "invalid_vector"),
    "no floats": ({"vector": []}, None, 422, "invalid_vector"),
    "no direction": ({"vector": [0, 0, 0, 0]}, None, 422, "invalid_vector"),
    "rows": ({"vector": [[1, 2, 3, 4]]}, None, 422, "invalid_body"),
    "half a float": ({"vector": text(b"12345")}, None, 422, "invalid_vector"),
    "no base64": ({"vector": "not base64!"}, None, 422, "invalid_body"),
    "not ASCII": ({"vector": "\u00e9\u00e9\u00e9\u00e9"}, None, 422, "invalid_body"),
    "an unknown lens": ({"vectors": {"x": [1, 2, 3, 4]}}, None, 404, "unknown_lens"),
    "no lens": ({"vectors": {}}, None, 422, "invalid_body"),
    "an empty category": ({**VECTOR, "category": ""}, None, 400, "usage"),
    "a long category": ({**VECTOR, "category": "x" * 1_001}, None, 400, "usage"),
    "a category with a line end": ({**VECTOR, "category": "a\nb"}, None, 400, "usage"),
    "a category that is a number": ({**VECTOR, "category": 5}, None, 422, "invalid_body"),
    "attributes in attributes": (
        {**VECTOR, "attributes": {"a": {"b": 1}}},
        None,
        422,
        "invalid_body",
    ),
    "many attributes": (
        {**VECTOR, "attributes": {str(n): n for n in range(1_001)}},
        None,
        400,
        "usage",
    ),
    "long attributes": ({**VECTOR, "attributes": {"a": "x" * 300_000}}, None, 400, "usage"),
    "a huge number": (
        b'{"vector":[1,2,3,4],"attributes":{"a":1' + b"0" * 5_000 + b"}}",
        JSON,
        422,
        "invalid_body",
    ),
    "a picture for vectors": ({"image_base64": text(picture(1))}, None, 400, "usage"),
    "no content type": (b"{}", {}, 415, "unsupported_media"),
    "text": (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media"),
    "a query form": (
        b"a=b",
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "unsupported_media",
    ),
    "an odd content type": (b"{}", {"Content-Type": ";;;"}, 415, "unsupported_media"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_refused(server: Server, name: str) -> None:
    """Each with a code that says what is wrong with it."""
    body, headers, status, code = BODIES[name]
    assert refused(server, "PUT", f"{OWN}/items/there", body, headers) == (status, code)


FORMS: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "malformed_body"),
    "no parts": (b"--xYzZY--\r\n", 422, "invalid_body"),
    "another boundary": (b"--other\r\n\r\n--other--\r\n", 400, "malformed_body"),
    "cut in a header": (form(("image", "image/png", picture(1)))[0][:30], 400, "malformed_body"),
    "cut in a file": (form(("image", "image/png", picture(1)))[0][:300], 400, "malformed_body"),
    "no end": (form(("image", "image/png", picture(1)))[0][:-6], 400, "malformed_body"),
    "no name": (b"--xYzZY\r\nContent-Type: a/b\r\n\r\nx\r\n--xYzZY--\r\n", 400, "malformed_body"),
    "a broken header": (b"--xYzZY\r\n\0\0\0\r\n\r\nx\r\n--xYzZY--\r\n", 400, "malformed_body"),
    "an unknown part": (
        form(("image", "image/png", picture(1)), ("evil", "a/b", b"x"))[0],
        422,
        "invalid_body",
    ),
    "no image": (form(("item", "application/json", b"{}"))[0], 422, "invalid_body"),
    "two items": (
        form(("image", "a/b", picture(1)), ("item", "a/b", b"{}"), ("item", "a/b", b"{}"))[0],
        422,
        "invalid_body",
    ),
    "an item that is no JSON": (
        form(("image", "a/b", picture(1)), ("item", "a/b", b"{"))[0],
        400,
        "malformed_body",
    ),
    "a vector in the item": (
        form(("image", "a/b", picture(1)), ("item", "a/b", b'{"vector":[1]}'))[0],
        422,
        "invalid_body",
    ),
    "a name that is not UTF-8": (
        b'--xYzZY\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--xYzZY--\r\n',
        400,
        "malformed_body",
    ),
    "thousands of parts": (form(*[("image", "a/b", b"")] * 2_000)[0], 400, "malformed_body"),
    "a long header": (
        b"--xYzZY\r\nContent-Disposition: " + b"x" * 100_000 + b"\r\n\r\nx\r\n--xYzZY--\r\n",
        400,
        "malformed_body",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_that_are_refused(server: Server, name: str) -> None:
    """Damaged, cut off, or with parts that mean nothing."""
    body, status, code = FORMS[name]
    assert refused(server, "PUT", f"{PICTURES}/items/there", body, FORM) == (status, code)


@pytest.mark.parametrize("media", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary(server: Server, media: str) -> None:
    """It can't be told where parts end."""
    body, _ = form(("image", "image/png", picture(1)))
    headers = {"Content-Type": media}
    found = refused(server, "PUT", f"{PICTURES}/items/there", body, headers)
    assert found == (400, "malformed_body")


def test_a_body_over_the_limit(server: Server) -> None:
    """Refused by what it says it has, before it is sent; and so are parts that add up to it."""
    before = state(server)
    for sized in (True, False):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.putrequest("PUT", f"{PICTURES}/items/there")
        connection.putheader("Content-Type", "image/png")
        if sized:
            connection.putheader("Content-Length", str(10**12))
            connection.endheaders()
        else:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            try:
                for _ in range(40):
                    connection.send(b"F4240\r\n" + bytes(1_000_000) + b"\r\n")
            except OSError:
                pass  # it hung up, which is its right
        try:
            answer = connection.getresponse()
        except OSError:
            assert not sized
        else:
            assert (answer.status, json.loads(answer.read())["code"]) == (413, "body_too_large")
        connection.close()
    assert state(server) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_another_collection_s_name(server: Server, method: str) -> None:
    """Neither one that is not there nor a path leads anywhere."""
    body = {"PUT": VECTOR, "PATCH": {"category": "x"}}.get(method)
    for name in ("none", "..%2Fown", "%2Fetc", "own%00", "a" * 101):
        found = refused(server, method, f"/v1/collections/{name}/items/there", body)
        assert found == (404, "collection_not_found"), name


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "there", {"colour": "red"}),
        ("PATCH", "there", {"category": 5}),
        ("PATCH", "there", {"vector": [1, 2, 3, 4]}),
        ("PATCH", "there", []),
        ("GET", "there?unknown=1", None),
        ("GET", "there?with_vectors=perhaps", None),
        ("GET", "there?encoding=hex&with_vectors=1", None),
        ("GET", "there?with_vectors=1&with_vectors=1", None),
    ],
)
def test_fields_that_are_not_known(server: Server, method: str, path: str, body: Any) -> None:
    """They are refused by name, in bodies and query strings."""
    assert refused(server, method, f"{OWN}/items/{path}", body) == (422, "invalid_body")


def test_a_picture_is_what_its_bytes_are(server: Server) -> None:
    """A GIF that is called a PNG is a GIF; what is embedded in it is never run or fetched."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "GIF", comment=b"<script>alert(1)</script>")
    answer = server.ask("PUT", f"{PICTURES}/items/gif", file.getvalue(), PNG)
    assert answer.json()["images"][0]["format"] == "GIF"
    body = {"image_base64": base64.b64encode(file.getvalue()).decode()}
    assert server.ask("PUT", f"{PICTURES}/items/gif", body).status == 200
