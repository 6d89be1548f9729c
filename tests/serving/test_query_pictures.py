"""Questions by picture over HTTP: as a form, a body, base64, a URL; and boxes of pictures."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mitame
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Answered, Server

QUERY = "/v1/collections/shop/query"
COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 40, 200), "grey": (90,) * 3}
Picture = bytes


def png(*halves: str, size: int = 64) -> Picture:
    """A picture that is one colour on the left and another on the right, with some noise."""
    rng = np.random.default_rng(0)
    pixels = np.empty((size, size, 3), np.uint8)
    pixels[:, : size // 2] = COLOURS[halves[0]]
    pixels[:, size // 2 :] = COLOURS[halves[-1]]
    pixels += rng.integers(0, 20, pixels.shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def form(*parts: tuple[str, str, bytes], boundary: str = "b0undary") -> tuple[bytes, str]:
    """A multipart body and its content type."""
    body = b""
    for name, media, data in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n'
        body += head.encode() + f"Content-Type: {media}\r\n\r\n".encode() + data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("pictures")
    with mitame.open(data, "shop", lenses={"color": "color"}) as shop:
        for name in COLOURS:
            shop.add(name, image=png(name))
    with limited_server(data, limits={}, allow_private=True) as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server with one picture."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "blue.png").write_bytes(png("blue"))
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def first(answer: Answered) -> str:
    assert answer.status == 200, answer.body
    name: str = answer.json()["neighbors"][0]["id"]
    return name


def test_every_form(server: Server, site: str) -> None:
    """A form, the body itself, base64 and a URL are the same question."""
    blue = png("blue")
    text = base64.b64encode(blue).decode()
    body, kind = form(("image", "image/png", blue), ("query", "application/json", b'{"limit":1}'))
    answers = [
        server.ask("POST", QUERY, body, {"Content-Type": kind}),
        server.ask("POST", f"{QUERY}?limit=1", blue, {"Content-Type": "image/png"}),
        server.ask("POST", f"{QUERY}?limit=1", blue, {"Content-Type": "image/jpeg"}),
        server.ask("POST", QUERY, {"image": text, "limit": 1}),
        server.ask("POST", QUERY, {"image_base64": text, "limit": 1}),
        server.ask("POST", QUERY, {"image_url": f"{site}/blue.png", "limit": 1}),
        server.ask("POST", QUERY, {"positive": [{"image_base64": text}], "limit": 1}),
    ]
    assert [first(each) for each in answers] == ["blue"] * len(answers)
    assert {each.json()["neighbors"][0]["match"] for each in answers} == {"same"}
    assert {len(each.json()["neighbors"]) for each in answers} == {1}


def test_the_region_decides(server: Server) -> None:
    """A picture of two halves: each half's box finds its own colour."""
    both = png("red", "green")
    left, right = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]
    for region, colour in ((left, "red"), (right, "green")):
        query = json.dumps({"region": region, "limit": 1}).encode()
        body, kind = form(("image", "image/png", both), ("query", "application/json", query))
        assert first(server.ask("POST", QUERY, body, {"Content-Type": kind})) == colour
        path = f"{QUERY}?region={','.join(map(str, region))}"
        assert first(server.ask("POST", path, both, {"Content-Type": "image/png"})) == colour
        text = base64.b64encode(both).decode()
        assert first(server.ask("POST", QUERY, {"image": text, "region": region})) == colour


def test_pictures_against_pictures(server: Server) -> None:
    """Half red, half green, less green: red; examples are no items, so all may be answered."""
    text = {name: base64.b64encode(png(*name.split())).decode() for name in ("red green", "green")}
    body = {
        "positive": [{"image_base64": text["red green"]}],
        "negative": [{"image_base64": text["green"]}],
        "negative_weight": 4,
        "limit": 1,
    }
    assert first(server.ask("POST", QUERY, body)) == "red"


def test_in_a_batch(server: Server, site: str) -> None:
    """Pictures of a batch are embedded, and those that can't be have a status of their own."""
    queries = [
        {"image": base64.b64encode(png("red")).decode(), "limit": 1},
        {"image": base64.b64encode(b"no picture").decode()},
        {"image_url": f"{site}/missing.png"},
        {"image_url": f"{site}/blue.png", "limit": 1},
    ]
    rows = server.ask("POST", f"{QUERY}:batch", {"queries": queries}).json()["answers"]
    assert [row["status"] for row in rows] == [200, 422, 422, 200]
    assert rows[0]["answer"]["neighbors"][0]["id"] == "red"
    assert rows[3]["answer"]["neighbors"][0]["id"] == "blue"


BLUE = png("blue")
FORMS = [
    ([("image", "image/png", BLUE), ("image", "image/png", BLUE)], 422),
    ([("query", "application/json", b"{}")], 422),
    ([("image", "image/png", BLUE), ("other", "text/plain", b"x")], 422),
    ([("image", "image/png", BLUE), ("query", "application/json", b'{"id": "red"}')], 422),
    ([("image", "image/png", BLUE), ("query", "application/json", b"{")], 400),
    ([("image", "image/png", b"")], 422),
    ([("image", "image/png", b"no picture")], 422),
    ([("image", "image/png", BLUE[:200])], 422),
    ([("image", "image/png", BLUE)] * 1_200, 400),
    ([], 422),
]


@pytest.mark.parametrize(("parts", "status"), FORMS, ids=[str(n) for n in range(len(FORMS))])
def test_wrong_forms(server: Server, parts: list[tuple[str, str, bytes]], status: int) -> None:
    """Each is refused with a problem."""
    body, kind = form(*parts)
    answer = server.ask("POST", QUERY, body, {"Content-Type": kind})
    assert answer.status == status, answer.body
    assert answer.json()["code"]


def test_damaged_forms_never_break_it(server: Server) -> None:
    """A form cut off anywhere, or with any byte changed, is answered with 200 or a problem."""
    body, kind = form(("query", "application/json", b'{"limit":1}'), ("image", "image/png", BLUE))
    rng = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(body[: rng.integers(0, len(body))] if rng.random() < 0.5 else body)
        if damaged:
            damaged[rng.integers(0, min(len(damaged), 300))] = rng.integers(0, 256)
        answer = server.ask("POST", QUERY, bytes(damaged), {"Content-Type": kind})
        assert answer.status in (200, 400, 413, 415, 422), answer.body


def test_private_addresses_are_refused(tmp_path: Path, site: str) -> None:
    """Without the setting, a URL into the server's own network is not fetched."""
    with mitame.open(tmp_path, "shop", lenses={"color": "color"}) as shop:
        shop.add("red", image=png("red"))
    with Server(tmp_path) as server:
        answer = server.ask("POST", QUERY, {"image_url": f"{site}/blue.png"})
        assert (answer.status, answer.json()["code"]) == (422, "fetch_refused")
        batch = {"queries": [{"image_url": f"{site}/blue.png"}]}
        rows = server.ask("POST", f"{QUERY}:batch", batch).json()["answers"]
        assert rows[0]["code"] == "fetch_refused"
