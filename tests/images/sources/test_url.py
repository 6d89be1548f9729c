"""Fetching from a real server, and lists of URLs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.errors import FetchFailed, FetchRefused, ImageTooLarge, InvalidId, InvalidManifest
from mitame.images.limits import ImageLimits
from mitame.images.sources import UrlFile, UrlListSource, connecting, fetch
from mitame.images.sources.addresses import is_public
from tests.images.sources.pictures import ids, offered, picture, refused
from tests.images.sources.server import Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for this file."""
    with serving() as running:
        yield running


def get(server: Server, path: str, **settings: object) -> bytes:
    return fetch(server.url + path, allow_private=True, **settings)  # type: ignore[arg-type] # mixed


def test_a_picture_is_fetched_as_it_is(server: Server) -> None:
    """Byte for byte, asked for uncompressed, with the right Host and no cookies or keys."""
    assert get(server, "/ok?a=b%20c") == picture()
    path, headers = server.asked[-1]
    assert path == "/ok?a=b%20c"
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"
    assert headers["Accept-Encoding"] == "identity"
    assert set(headers) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_private_addresses_are_refused_without_being_asked(server: Server) -> None:
    """The default; the server must not even see a connection."""
    before = len(server.asked)
    for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(FetchRefused, match="not a public address"):
            fetch(url + "/ok")
    assert len(server.asked) == before


def test_the_checked_address_is_the_one_that_is_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is resolved once: a second answer, as in DNS rebinding, is never looked at."""
    monkeypatch.setattr(connecting, "is_public", lambda address: address == "127.0.0.1")
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    url = f"http://shop.example:{server.server_port}/ok"
    assert fetch(url, resolve=lambda host, port: answers.pop(0)) == picture()
    assert answers == [["10.0.0.1"]]
    assert server.asked[-1][1]["Host"] == f"shop.example:{server.server_port}"


@pytest.mark.parametrize("private", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
def test_one_private_address_among_public_ones_refuses_the_host(private: str) -> None:
    """Whichever of them would be tried first."""
    for answer in ([private], ["1.1.1.1", private], [private, "1.1.1.1"]):
        with pytest.raises(FetchRefused, match="not a public address"):
            fetch("http://shop.example/x", resolve=lambda host, port, answer=answer: answer)  # type: ignore[misc] # bound


def test_redirects_are_checked_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public host that points to a private one gets no further."""
    monkeypatch.setattr(connecting, "is_public", lambda a: a == "127.0.0.1" or is_public(a))
    names = {"public.example": ["127.0.0.1"], "inner.example": ["127.0.0.2"]}
    port = server.server_port

    def through(place: str) -> bytes:
        url = f"http://public.example:{port}/to?url={place}"
        return fetch(url, resolve=lambda host, port: names.get(host, [host]))

    assert through(f"http://public.example:{port}/ok") == picture()
    for place in (f"http://inner.example:{port}/ok", "http://10.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(FetchRefused, match="not a public address"):
            through(place)
    for place in ("file:///etc/passwd", "ftp://public.example/", "http://0x7f.1/", "http://a@b/"):
        with pytest.raises(FetchRefused):
            through(place)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_followed(server: Server, status: int) -> None:
    """Relative and absolute."""
    assert get(server, f"/to?status={status}&url=/ok") == picture()
    assert get(server, f"/to?status={status}&url={server.url}/ok") == picture()


def test_redirects_are_counted(server: Server) -> None:
    """Five are followed, six are not; one that leads nowhere has failed."""
    assert get(server, "/hops?n=4") == picture()
    with pytest.raises(FetchRefused, match="more than 5 redirects"):
        get(server, "/hops?n=5")
    with pytest.raises(FetchFailed, match="where to go"):
        get(server, "/lost")


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_other_statuses_have_failed(server: Server, status: int) -> None:
    """The status is in the message."""
    with pytest.raises(FetchFailed, match=str(status)):
        get(server, f"/status?n={status}")


def test_the_body_is_bounded_while_it_comes(server: Server) -> None:
    """At the limit it is taken; over it not, announced or not, and an endless one ends."""
    assert len(get(server, "/bytes?n=1000", max_bytes=1000)) == 1000
    for path in ("/bytes?n=1001", "/announced?n=5000000000", "/endless"):
        with pytest.raises(ImageTooLarge):
            get(server, path, max_bytes=1000)


@pytest.mark.parametrize("path", ["/drip", "/drip-header"])
def test_time_is_bounded_in_all(server: Server, path: str) -> None:
    """A server that sends a byte now and then does not hold us for its eight seconds."""
    with pytest.raises(FetchFailed, match="too long"):
        get(server, path, timeout_s=0.3)


@pytest.mark.parametrize("path", ["/short", "/packed", "/nonsense", "/missing"])
def test_broken_answers_have_failed(server: Server, path: str) -> None:
    """Too short, packed though not asked for, not HTTP, not found."""
    with pytest.raises(FetchFailed):
        get(server, path)


def test_nobody_there_has_failed(server: Server) -> None:
    """No server, no name, no TLS: each a FetchFailed."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(FetchFailed, match="can't be reached"):
            fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/", allow_private=True)
    for answer in (OSError("no such name"), UnicodeError("label too long")):

        def failing(host: str, port: int, answer: Exception = answer) -> list[str]:
            raise answer

        with pytest.raises(FetchFailed, match="no address"):
            fetch("http://shop.example/", resolve=failing)
    with pytest.raises(FetchFailed):
        fetch(server.url.replace("http:", "https:") + "/ok", allow_private=True)


def test_a_list_of_urls_is_a_source(server: Server) -> None:
    """Order is kept, bad URLs are refused, and nothing is asked before it is read."""
    before = len(server.asked)
    urls = [f"{server.url}/ok", "ftp://example.com/x", f"{server.url}/status?n=404", "x" * 1_001]
    source = UrlListSource(urls, allow_private=True, limits=ImageLimits(fetch_seconds=5))
    assert source.countable
    assert ids(source) == [urls[0], urls[2]]
    assert [type(refusal.error) for refusal in refused(source)] == [FetchRefused, InvalidId]
    assert len(server.asked) == before
    good, missing = offered(source)
    assert good.read() == picture()
    assert good.location == urls[0]
    assert good.size is None
    with pytest.raises(FetchFailed, match="404"):
        missing.read()
    with pytest.raises(FetchRefused):
        offered(UrlListSource(urls))[0].read()
    assert not UrlListSource(iter(urls)).countable


def test_a_file_of_urls(tmp_path: Path) -> None:
    """One a line; comments and empty lines are left out, bytes that are no UTF-8 are refused."""
    path = tmp_path / "urls.txt"
    path.write_bytes(
        b"\xef\xbb\xbf# pictures\r\nhttp://a.example/1\r\n\r\n  http://b.example/2 \nhttp://\xff/\n"
    )
    source = UrlListSource(UrlFile(path))
    assert ids(source) == ["http://a.example/1", "http://b.example/2"] == ids(source)
    (refusal,) = refused(source)
    assert refusal.location.encode()
    path.write_text("x" * 200, "utf-8")
    with pytest.raises(InvalidManifest, match="more than 100 bytes"):
        list(UrlFile(path, limits=ImageLimits(max_line=100)))
