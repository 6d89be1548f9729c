"""Pulling weights: from a path, over HTTPS with a hash, and never half a file."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpcore
import pytest

from mitame.embedders import inception_v3
from mitame.embedders import pull as pulling
from mitame.embedders.pull import KERAS, TORCHVISION, https_stream, limited, pull
from mitame.errors import (
    FetchFailed,
    FetchRefused,
    InvalidModel,
    MitameError,
    StorageError,
    UnknownEmbedder,
    WeightsNotFound,
)

NAME = "inception-v3"
BODY = b"weights" * 1000


class Site:
    """Answers every address with the same chunks, and notes what was asked."""

    def __init__(self, *chunks: bytes, fails: MitameError | None = None) -> None:
        self.chunks = chunks
        self.asked: list[str] = []
        self.fails = fails

    @contextlib.contextmanager
    def __call__(self, url: str) -> Iterator[Iterator[bytes]]:
        self.asked.append(url)
        yield self.body()

    def body(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.fails:
            raise self.fails


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of BODY in the place of the real weights'."""
    digest = hashlib.sha256(BODY).hexdigest()[:8]
    official = replace(TORCHVISION, digest=digest)
    monkeypatch.setattr(pulling, "TORCHVISION", official)
    monkeypatch.setattr(pulling, "OFFICIAL", (official, KERAS))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_official(tmp_path: Path, published: None) -> None:
    """Without a source the official address is asked, and what has the right hash is kept."""
    site = Site(BODY[:10], BODY[10:])
    path = pull(NAME, cache=tmp_path, stream=site)
    assert site.asked == [TORCHVISION.url]
    assert path.read_bytes() == BODY
    assert files(tmp_path) == ["inception-v3.pth"]


def test_wrong_hash(tmp_path: Path) -> None:
    """Anything else than the published bytes is refused, and nothing is left."""
    for source in (None, KERAS.url):
        with pytest.raises(FetchFailed, match="md5|sha256"):  # noqa: RUF043 - a choice
            pull(NAME, source=source, cache=tmp_path, stream=Site(b"evil"))
    assert files(tmp_path) == []


def test_broken_off(tmp_path: Path, published: None) -> None:
    """A connection that breaks leaves the old weights in place and no half file."""
    pull(NAME, cache=tmp_path, stream=Site(BODY))
    with pytest.raises(FetchFailed, match="gone"):
        pull(NAME, cache=tmp_path, stream=Site(BODY[:50], fails=FetchFailed("gone")))
    assert files(tmp_path) == ["inception-v3.pth"]
    assert (tmp_path / "weights" / "inception-v3.pth").read_bytes() == BODY


def test_too_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An endless answer ends at the limit."""
    monkeypatch.setattr(pulling, "MAX_BYTES", 100)
    with pytest.raises(FetchFailed, match="MiB"):
        pull(NAME, cache=tmp_path, stream=Site(*[b"x" * 60] * 3))
    assert b"".join(limited(iter([b"x" * 60, b"y" * 40]))) == b"x" * 60 + b"y" * 40


def test_other_addresses(tmp_path: Path) -> None:
    """Only the official addresses are asked: neither others nor other schemes."""
    site = Site(BODY)
    sources = ("https://example.org/w.pth", TORCHVISION.url.replace("https", "http"), "ftp://x/y")
    for source in sources:
        with pytest.raises(FetchRefused):
            pull(NAME, source=source, cache=tmp_path, stream=site)
    assert site.asked == []


def test_local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is copied when the network can be built from it; the other kind goes away."""
    built: list[Path] = []
    monkeypatch.setattr(inception_v3, "build_from_file", built.append)
    source = tmp_path / "mine.pth"
    source.write_bytes(BODY)
    cache = tmp_path / "cache"
    (cache / "weights").mkdir(parents=True)
    (cache / "weights" / "inception-v3.h5").write_bytes(b"old")
    path = pull(NAME, source=str(source), cache=cache)
    assert built == [source]
    assert path.read_bytes() == BODY
    assert files(cache) == ["inception-v3.pth"]
    assert pull(NAME, source=str(path), cache=cache) == path
    assert path.read_bytes() == BODY


def test_bad_local_files(tmp_path: Path) -> None:
    """Missing, of another kind, damaged, too large: typed, and nothing is left."""
    cache = tmp_path / "cache"
    with pytest.raises(WeightsNotFound):
        pull(NAME, source=str(tmp_path / "none.pth"), cache=cache)
    for name in ("w.pt2", "w.pth"):
        path = tmp_path / name
        path.write_bytes(b"junk")
        with pytest.raises(InvalidModel, match=name):
            pull(NAME, source=str(path), cache=cache)
    assert files(cache) == []


def test_unknown(tmp_path: Path) -> None:
    """Only what has weights to pull can be pulled."""
    with pytest.raises(UnknownEmbedder, match="color"):
        pull("color", cache=tmp_path)


def test_cache_not_writable(tmp_path: Path, published: None) -> None:
    """Where the cache can't be written, that is what the error says."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="can't be written"):
        pull(NAME, cache=tmp_path / "file", stream=Site(BODY))


def answering(*parts: bytes) -> Any:
    """A pool whose every connection gets these bytes, TLS left out."""
    backend = httpcore.MockBackend(list(parts))
    return httpcore.ConnectionPool(network_backend=backend)


def test_https() -> None:
    """A good answer is streamed; another status, a broken answer and http are refused."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    with answering(head, b"wei", b"ghts") as pool, https_stream("https://x/y", pool=pool) as chunks:
        assert b"".join(chunks) == b"weights"
    bad = {
        "status 404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "status 302": b"HTTP/1.1 302 Found\r\nLocation: http://z/\r\nContent-Length: 0\r\n\r\n",
        "can't be read": head + b"we",
    }
    for reason, answer in bad.items():
        with (
            answering(answer) as pool,
            pytest.raises(FetchFailed, match=reason),
            https_stream("https://x/y", pool=pool) as chunks,
        ):
            list(chunks)
    with pytest.raises(FetchRefused), https_stream("http://x/y"):
        pass
