"""The directory of faults does what was planned, and finds the mistakes it is made to find."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mitame.errors import StorageError, UsageError
from mitame.storage import LocalDirectory
from mitame.testing.directory_files import make
from mitame.testing.faults import DATABASE, Effect, Faults, FaultyDirectory, PowerCut
from tests.storage.made import EFFECTS, publish, shop


def test_calls_are_counted_over_the_whole_tree(tmp_path: Path) -> None:
    """What changes something, in order; not what reads, opens or locks."""
    faulty = FaultyDirectory(shop(tmp_path / "shop"))
    with faulty.lock("merge.lock"), faulty.child("snapshots").lock("pin", shared=True):
        assert faulty.names() == ["current", "merge.lock", "snapshots"]
        assert faulty.read("current", limit=9) == bytes(faulty.map("current")) == b"1"
        assert faulty.faults.calls == []
    publish(faulty)
    with faulty.region("log") as log:
        log.write_at(5, b"x")
        log.sync()
    faulty.region("log").close()
    assert faulty.faults.calls == [
        "sync folder .",
        "remove snapshots/building",
        "make folder snapshots/building",
        "create snapshots/building/part",
        "write snapshots/building/part",
        "write snapshots/building/part",
        "sync snapshots/building/part",
        "sync folder snapshots/building",
        "rename snapshots/building to 2",
        "sync folder snapshots",
        "replace current",
        "remove snapshots/1",
        "create log",
        "write log",
        "sync log",
    ]


def test_watch_sees_each_call_before_it_is_done(tmp_path: Path) -> None:
    """With its number, so that a test can look at the files at that instant."""
    seen = list[tuple[int, str, bool]]()
    faults = Faults(watch=lambda at, text: seen.append((at, text, (tmp_path / "a").exists())))
    directory = FaultyDirectory(tmp_path, faults)
    directory.replace("a", b"")
    directory.remove("a")
    assert seen == [(1, "replace a", False), (2, "remove a", True)]


def test_nothing_runs_without_power(tmp_path: Path) -> None:
    """After the cut all calls of all handles raise PowerCut; closing and unlocking do not."""
    directory = FaultyDirectory(tmp_path, Faults(cut_at=4))
    child = directory.child("a")
    output = child.create("b")
    output.write(b"x")
    calls: list[Callable[[], object]] = [
        lambda: output.write(b"y"),
        output.sync,
        child.names,
        lambda: child.read("b", limit=9),
        lambda: child.map("b"),
        lambda: child.exists("b"),
        lambda: child.size("b"),
        lambda: child.child("c"),
        lambda: child.region("b"),
        lambda: child.lock("d").__enter__(),
        lambda: directory.replace("e", b""),
    ]
    with directory.lock("f"):
        for call in calls:
            with pytest.raises(PowerCut):
                call()
    output.close()
    assert not issubclass(PowerCut, Exception)
    assert (tmp_path / "a" / "b").read_bytes() == b"x"


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_last_write_is_torn(tmp_path: Path, effect: Effect) -> None:
    """Nothing of it, all, its start, or its start and garbage; the same for the same seed."""
    seen = set()
    for seed in (*range(8), 0):
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        place.mkdir()
        directory = FaultyDirectory(place, Faults(cut_at=2, effect=effect, seed=seed))
        output = directory.create("a")
        with pytest.raises(PowerCut):
            output.write(b"0123456789")
        output.close()
        after = tmp_path / f"{place.name}-after"
        directory.durable_copy(after, unsynced_bytes="kept", unsynced_names="kept")
        content = (after / "a").read_bytes()
        assert content == (place / "a").read_bytes()
        seen.add((seed, content))
    contents = {content for _, content in seen}
    assert len(seen) == 8
    if effect in ("none", "whole"):
        assert contents == {b"" if effect == "none" else b"0123456789"}
    elif effect == "start":
        assert all(b"0123456789".startswith(content) for content in contents)
        assert len(contents) > 2
    else:
        assert all(len(content) == 10 for content in contents)
        assert b"0123456789" not in contents


def test_what_is_synced_is_kept_and_what_is_not_may_go(tmp_path: Path) -> None:
    """Bytes as of the last sync of the file, names as of the last sync of the folder."""
    (tmp_path / "disk").mkdir()
    directory = FaultyDirectory(tmp_path / "disk")
    with directory.region("a") as region:
        region.write_at(0, b"synced")
        region.sync()
        directory.sync()
        region.write_at(2, b"LOST ALSO")
        make(directory, "b", b"nameless")
        directory.replace("c", b"durable at once")
        directory.rename("a", "d")
    directory.durable_copy(tmp_path / "least")
    directory.durable_copy(tmp_path / "most", unsynced_bytes="kept", unsynced_names="kept")
    least, most = (LocalDirectory(tmp_path / name) for name in ("least", "most"))
    assert least.names() == ["a", "c"]
    assert least.read("a", limit=99) == b"synced"
    assert least.read("c", limit=99) == b"durable at once"
    assert most.names() == ["b", "c", "d"]
    assert most.read("d", limit=99) == b"syLOST ALSO"


def test_random_fates_differ_and_repeat(tmp_path: Path) -> None:
    """A seed gives one outcome; many seeds give many, between the least and the most."""
    (tmp_path / "disk").mkdir()
    directory = FaultyDirectory(tmp_path / "disk")
    for name in ("a", "b", "c"):
        with directory.create(name) as output:
            output.write(b"x" * 9)

    def outcome(seed: int, attempt: int) -> tuple[tuple[str, bytes], ...]:
        after = tmp_path / f"{seed}-{attempt}"
        directory.durable_copy(after, unsynced_bytes="random", unsynced_names="random", seed=seed)
        return tuple((path.name, path.read_bytes()) for path in sorted(after.iterdir()))

    found = [outcome(seed, 0) for seed in range(12)]
    assert found == [outcome(seed, 1) for seed in range(12)]
    assert len(set(found)) > 6
    assert all(len(content) <= 9 for files in found for _, content in files)


def test_a_planned_failure(tmp_path: Path) -> None:
    """The call fails with StorageError; a write has written its start; the next call is fine."""
    faults = Faults(fail_at=3)
    directory = FaultyDirectory(tmp_path, faults)
    output = directory.create("a")
    output.write(b"ab")
    with pytest.raises(StorageError, match="write a"):
        output.write(b"cdef")
    assert directory.read("a", limit=9) == b"abcd"
    for call in (
        lambda: directory.create("b"),
        lambda: directory.rename("a", "c"),
        lambda: directory.remove("a"),
        lambda: directory.replace("a", b"new"),
        lambda: directory.child("d"),
        lambda: directory.region("e"),
        directory.sync,
    ):
        faults.fail_at = len(faults.calls) + 1
        with pytest.raises(StorageError, match="planned"):
            call()
    assert directory.read("a", limit=9) == b"abcd"
    assert directory.names() == ["a"]
    output.close()


def test_a_failed_sync_loses_the_bytes(tmp_path: Path) -> None:
    """No later sync brings them to the disk, of this handle or of another."""
    (tmp_path / "disk").mkdir()
    directory = FaultyDirectory(tmp_path / "disk", Faults(fail_at=3))
    with directory.region("a") as region:
        region.write_at(0, b"lost")
        with pytest.raises(StorageError):
            region.sync()
        with pytest.raises(StorageError):
            region.sync()
    with directory.region("a") as region:
        region.sync()
    directory.sync()
    directory.durable_copy(tmp_path / "after")
    assert (tmp_path / "after" / "a").read_bytes() == b""


def test_a_full_disk(tmp_path: Path) -> None:
    """So many bytes fit, over all files; what does not fit is written in part, or not at all."""
    directory = FaultyDirectory(tmp_path, Faults(full_after=10))
    with directory.create("a") as output, directory.child("b").region("c") as region:
        output.write(b"1234")
        region.write_at(0, b"5678")
        with pytest.raises(StorageError, match="no space"):
            directory.replace("d", b"123")
        with pytest.raises(StorageError, match="no space"):
            output.write(b"9")
    assert not directory.exists("d")
    assert directory.size("a") == 4


def test_a_full_disk_takes_the_start_of_a_write(tmp_path: Path) -> None:
    """As the system does."""
    directory = FaultyDirectory(tmp_path, Faults(full_after=3))
    with directory.create("a") as output, pytest.raises(StorageError, match="no space"):
        output.write(b"12345")
    assert directory.read("a", limit=9) == b"123"


def test_databases_are_as_they_were_at_the_cut(tmp_path: Path) -> None:
    """What SQLite has committed by then is kept, what it commits later is not."""
    (tmp_path / "disk").mkdir()
    connection = sqlite3.connect(tmp_path / "disk" / DATABASE)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.commit()
    connection.execute("INSERT INTO t VALUES (2)")
    directory = FaultyDirectory(tmp_path / "disk", Faults(cut_at=1))
    with pytest.raises(PowerCut):
        directory.sync()
    connection.commit()
    connection.close()
    directory.durable_copy(tmp_path / "after")
    assert sorted(path.name for path in (tmp_path / "after").iterdir()) == [
        DATABASE,
        f"{DATABASE}-wal",
    ]
    connection = sqlite3.connect(tmp_path / "after" / DATABASE)
    assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]
    connection.close()


def test_the_database_is_the_collections() -> None:
    """The name is written down twice; here it is seen that both are the same."""
    from mitame.collection import paths

    assert paths.DATABASE == DATABASE


def test_files_that_came_past_the_storage_are_told(tmp_path: Path) -> None:
    """Nobody knows what of them is durable; unless they are trusted."""
    for name, trusted in (("strict", ()), ("lenient", ("vectors-*.f32",))):
        disk, after = tmp_path / name, tmp_path / f"{name}-after"
        disk.mkdir()
        directory = FaultyDirectory(disk, trusted=trusted)
        directory.replace("a", b"")
        (disk / "vectors-look.f32").write_bytes(b"x")
        if trusted:
            directory.durable_copy(after)
            assert (after / "vectors-look.f32").read_bytes() == b"x"
        else:
            with pytest.raises(UsageError, match="vectors-look"):
                directory.durable_copy(after)
