"""Transactions of SQLite files, and their errors as ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.errors import CollectionBusy, CorruptCollection, MitameError, StorageError
from mitame.storage.sqlite import transaction, translated


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(tmp_path / "file", timeout=0, isolation_level=None)
    made.execute("CREATE TABLE t (n INTEGER)")
    yield made
    made.close()


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")]


def half_done(connection: sqlite3.Connection) -> None:
    with transaction(connection, writes=True):
        connection.execute("INSERT INTO t VALUES (2)")
        raise KeyError


def test_wholly_or_not_at_all(connection: sqlite3.Connection) -> None:
    """What ends well is kept; an exception, or a transaction that only reads, keeps nothing."""
    with transaction(connection, writes=True):
        connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(KeyError):
        half_done(connection)
    with transaction(connection, writes=False):
        connection.execute("INSERT INTO t VALUES (3)")
    assert numbers(connection) == [1]
    assert not connection.in_transaction


def test_a_reader_sees_one_moment(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """What another one writes meanwhile comes after it."""
    connection.execute("PRAGMA journal_mode = WAL")
    other = sqlite3.connect(tmp_path / "file", isolation_level=None)
    with transaction(connection, writes=False):
        assert numbers(connection) == []
        with transaction(other, writes=True):
            other.execute("INSERT INTO t VALUES (1)")
        assert numbers(connection) == []
    assert numbers(connection) == [1]
    other.close()


def fails(connection: sqlite3.Connection, way: str, path: Path) -> None:
    """Meet an error of a kind."""
    if way == "locked":
        other = sqlite3.connect(path, isolation_level=None)
        try:
            with transaction(other, writes=True), transaction(connection, writes=True):
                pass
        finally:
            other.close()
    elif way == "read-only":
        connection.execute("PRAGMA query_only = 1")
        connection.execute("INSERT INTO t VALUES (1)")
    elif way == "full":
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        connection.execute("INSERT INTO t SELECT value FROM json_each(?)", (str([1] * 9_999),))
    elif way == "closed":
        connection.close()
        connection.execute("SELECT 1")
    else:
        path.write_bytes(b"no database" * 1_000)
        sqlite3.connect(path).execute("SELECT * FROM t")


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ("locked", CollectionBusy),
        ("read-only", StorageError),
        ("full", StorageError),
        ("closed", CorruptCollection),
        ("damaged", CorruptCollection),
    ],
)
def test_errors(
    connection: sqlite3.Connection, tmp_path: Path, way: str, kind: type[MitameError]
) -> None:
    """Each is of its kind, names the file, and has the remedy that was given for damage."""
    with pytest.raises(kind, match="our file") as caught, translated("our file", remedy="wait"):
        fails(connection, way, tmp_path / "file")
    assert (caught.value.remedy == "wait") == (kind is CorruptCollection)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_damage_can_have_another_name() -> None:
    """Where a file is no part of a collection."""
    with pytest.raises(StorageError), translated("state", damaged=StorageError):
        raise sqlite3.DatabaseError("file is not a database")
