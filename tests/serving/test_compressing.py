"""Answers that are sent smaller: which, how, and that they are the same."""

from __future__ import annotations

import gzip
import importlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.serving.compressing import SHORTEST, chosen
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

LIST = "/v1/collections"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose list of collections is long: they were never opened."""
    data = tmp_path_factory.mktemp("data")
    for number in range(600):
        (data / f"{number:0100d}").mkdir()
        (data / f"{number:0100d}" / "collection.sqlite3").touch()
    with limited_server(data, limits={}) as running:
        yield running


def test_a_long_answer_is_sent_smaller(server: Server) -> None:
    """The same JSON, in a tenth of the bytes, and caches are told on what it depends."""
    plain = server.ask("GET", LIST)
    small = server.ask("GET", LIST, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.headers["vary"] == "Accept-Encoding"
    assert int(small.headers["content-length"]) == len(small.body) < len(plain.body) / 10
    assert gzip.decompress(small.body) == plain.body


def test_brotli_where_it_is_installed(server: Server) -> None:
    """Preferred where the client takes both."""
    brotli = pytest.importorskip("brotli", reason="brotli is an optional library")
    small = server.ask("GET", LIST, headers={"Accept-Encoding": "gzip, br"})
    assert small.headers["content-encoding"] == "br"
    assert json.loads(brotli.decompress(small.body)) == server.ask("GET", LIST).json()


@pytest.mark.parametrize("path", ["/healthz", "/v1/collections/none"])
def test_short_answers_and_problems_are_left(server: Server, path: str) -> None:
    """It would take more time than it saves."""
    answer = server.ask("GET", path, headers={"Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in answer.headers
    assert len(answer.body) < SHORTEST


def test_heads_tell_the_plain_answer(server: Server) -> None:
    """No body, so nothing to compress."""
    answer = server.ask("HEAD", LIST, headers={"Accept-Encoding": "gzip"})
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) == len(server.ask("GET", LIST).body)


def test_items_keep_their_strong_tags(server: Server) -> None:
    """What If-Match compares promises its bytes: long or not, it is sent as it is."""
    assert server.ask("PUT", f"{LIST}/x", {"dim": 2}).status == 201
    body = {"vector": [1, 2], "attributes": {"text": "long " * 500}}
    assert server.ask("PUT", f"{LIST}/x/items/1", body).status == 200
    answer = server.ask("GET", f"{LIST}/x/items/1", headers={"Accept-Encoding": "gzip, br"})
    assert len(answer.body) > SHORTEST
    assert "content-encoding" not in answer.headers
    tag = {"If-Match": answer.headers["etag"]}
    assert server.ask("PATCH", f"{LIST}/x/items/1", {"category": "c"}, tag).status == 200


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (b"gzip", b"gzip"),
        (b"GZip ; q=0.5, deflate", b"gzip"),
        (b"gzip;q=0", None),
        (b"gzip;q=0.000, identity", None),
        (b"deflate, zstd", None),
        (b"identity", None),
        (b"", None),
        (b"gzip;q=x", b"gzip"),
        (b"*", "best"),
        (b"*;q=0", None),
        (b"gzip;q=0, *", "other"),
    ],
)
def test_what_a_client_takes(asked: bytes, found: bytes | str | None) -> None:
    """As RFC 9110, 12.5.3 has it; a weight of nought is a no."""
    try:
        importlib.import_module("brotli")
        best, other = b"br", b"br"
    except ImportError:
        best, other = b"gzip", None
    expected = {"best": best, "other": other}.get(found, found) if isinstance(found, str) else found
    assert chosen({"method": "GET", "headers": [(b"accept-encoding", asked)]}) == expected


@given(st.binary(max_size=200))
def test_any_header_is_read(value: bytes) -> None:
    """No bytes lead to an exception."""
    chosen({"method": "GET", "headers": [(b"accept-encoding", value)]})
