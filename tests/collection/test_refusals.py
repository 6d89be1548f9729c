"""A place where one may not write is told apart from a disk that is full."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from mitame.collection.database import translated
from mitame.errors import StorageError


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_refusal_of_the_system_asks_for_rights(number: int) -> None:
    """Permission denied and a read-only disk are not mended by freeing space."""
    with pytest.raises(StorageError) as caught, translated(Path("c")):
        raise OSError(number, "no")
    assert "right to read and write" in caught.value.remedy


def test_a_full_disk_asks_for_space() -> None:
    """And a full disk is."""
    with pytest.raises(StorageError) as caught, translated(Path("c")):
        raise OSError(errno.ENOSPC, "no space left")
    assert "free some space" in caught.value.remedy


def test_a_database_that_must_not_be_written_asks_for_a_writable_disk(tmp_path: Path) -> None:
    """Nor is what SQLite says of it."""
    file = tmp_path / "x.sqlite3"
    sqlite3.connect(file).close()
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        with pytest.raises(StorageError) as caught, translated(tmp_path):
            connection.execute("CREATE TABLE t (x)")
    finally:
        connection.close()
    assert "make the disk writable" in caught.value.remedy
