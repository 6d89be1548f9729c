"""The cache: whole files or none, rebuilt when damaged, never in the way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mitame.embedders.cache import cache_directory, cached_graph, file_sha256, replacing


class Builder:
    """Counts how often it is asked."""

    def __init__(self, graph: bytes = b"graph" * 1000) -> None:
        self.calls = 0
        self.graph = graph

    def __call__(self) -> bytes:
        self.calls += 1
        return self.graph


def test_built_once(tmp_path: Path) -> None:
    """The second time comes from the file; another key is another file."""
    build = Builder()
    assert cached_graph(tmp_path / "new", "a-1", build) == build.graph
    assert cached_graph(tmp_path / "new", "a-1", build) == build.graph
    assert build.calls == 1
    cached_graph(tmp_path / "new", "a-2", build)
    assert build.calls == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign", "head"])
def test_damaged_is_built_again(tmp_path: Path, damage: str) -> None:
    """A file that is cut off, changed, empty or something else is replaced by a good one."""
    build = Builder()
    cached_graph(tmp_path, "a", build)
    path = tmp_path / "graphs" / "a.graph"
    good = path.read_bytes()
    bad = {
        "cut": good[:-1],
        "flip": good[:100] + b"\0" + good[101:],
        "empty": b"",
        "foreign": build.graph,
        "head": good[:20],
    }
    path.write_bytes(bad[damage])
    assert cached_graph(tmp_path, "a", build) == build.graph
    assert build.calls == 2
    assert path.read_bytes() == good


def test_not_writable(tmp_path: Path) -> None:
    """Where the cache can't be, the graph is built in memory."""
    (tmp_path / "file").write_bytes(b"in the way")
    build = Builder()
    for _ in range(2):
        assert cached_graph(tmp_path / "file", "a", build) == build.graph
    assert build.calls == 2


def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing write costs the cache, not the graph, and leaves nothing behind."""

    def full(self: Path, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    build = Builder()
    assert cached_graph(tmp_path, "a", build) == build.graph
    assert list((tmp_path / "graphs").iterdir()) == []


def test_errors_of_the_builder_pass(tmp_path: Path) -> None:
    """What the builder raises is the caller's, and no file is left."""

    def fail() -> bytes:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cached_graph(tmp_path, "a", fail)
    assert not list(tmp_path.rglob("*.graph"))


def test_writers_at_once(tmp_path: Path) -> None:
    """Eight that build at the same time all get the graph, and one whole file remains."""
    build, found = Builder(b"x" * 200_000), []
    threads = [
        threading.Thread(target=lambda: found.append(cached_graph(tmp_path, "a", build)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [build.graph] * 8
    assert [path.name for path in (tmp_path / "graphs").iterdir()] == ["a.graph"]


def test_replacing_keeps_the_old(tmp_path: Path) -> None:
    """A block that fails leaves the old file as it was and no other."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"old")]


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument goes before the environment, that before the user's directory."""
    monkeypatch.setenv("MITAME_CACHE", str(tmp_path / "b"))
    assert cache_directory(tmp_path / "a") == tmp_path / "a"
    assert cache_directory() == tmp_path / "b"
    monkeypatch.delenv("MITAME_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "mitame" in cache_directory().parts[-1]


def test_file_sha256(tmp_path: Path) -> None:
    """The digest of "abc" in FIPS 180-2, appendix B.1."""
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert file_sha256(path).startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
