"""Files that are damaged, foreign or newer: a typed error that names them, never a crash."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mitame.collection import Store, create, open_store
from mitame.collection.database import FORMAT
from mitame.collection.log import segment_name
from mitame.collection.paths import DATABASE, LOG
from mitame.errors import (
    CollectionNotFound,
    CorruptCollection,
    MitameError,
    NewerFormat,
    StorageError,
)
from mitame.filters import parse
from tests.collection.made import COLOR, LOOK, image, noise, put

SEGMENT = segment_name(1, 0)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A closed collection of three items."""
    with create(tmp_path / "shop", [LOOK, COLOR]) as store:
        store.append([put("a", image(1)), put("b", image(2)), put("c", image(3))])
    return tmp_path / "shop"


def _execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path / DATABASE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _problems(path: Path) -> list[str]:
    with open_store(path) as store:
        return store.check()


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, None])
def test_no_collection(tmp_path: Path, make: Callable[[Path], None] | None) -> None:
    """An empty folder, a file, or nothing at the path."""
    path = tmp_path / "shop"
    if make is not None:
        make(path)
    with pytest.raises(CollectionNotFound, match="shop"):
        open_store(path)


@pytest.mark.parametrize("content", [b"", b"GIF89a" * 500, b"SQLite format 3\0" + bytes(3000)])
def test_a_file_that_is_no_database(closed: Path, content: bytes) -> None:
    """Empty, foreign, or with a right beginning only."""
    (closed / DATABASE).write_bytes(content)
    with pytest.raises(CorruptCollection, match="shop"):
        open_store(closed)


def test_a_database_of_something_else(closed: Path) -> None:
    """SQLite, but not ours."""
    _execute(closed, "PRAGMA application_id = 7")
    with pytest.raises(CorruptCollection, match="no collection of mitame"):
        open_store(closed)


def test_a_newer_format(closed: Path) -> None:
    """Says which format it is, and what to do."""
    _execute(closed, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(NewerFormat, match=f"format {FORMAT + 1}") as caught:
        open_store(closed)
    assert "upgrade" in caught.value.remedy


@pytest.mark.parametrize("keep", [0, 15, 47])
def test_a_truncated_vector_file(closed: Path, keep: int) -> None:
    """Fewer whole rows than were committed."""
    file = closed / LOG / SEGMENT
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CorruptCollection, match=r"1-0+\.f32 has \d of 3 vectors"):
        open_store(closed)


def test_a_missing_vector_file(closed: Path) -> None:
    """Named."""
    (closed / LOG / SEGMENT).unlink()
    with pytest.raises(CorruptCollection, match=r"1-0+\.f32 is missing"):
        open_store(closed)


def test_a_file_with_no_more_than_its_rows(closed: Path) -> None:
    """The room set aside may be gone: reading and writing go on."""
    file = closed / LOG / SEGMENT
    file.write_bytes(file.read_bytes()[:48])
    with open_store(closed) as store:
        assert store.check() == []
        store.append([put("d", image(4))])
        with store.pin() as view:
            assert view.vectors("d", "look").tolist() == [noise(4).tolist()]


def test_garbage_beyond_the_committed_rows(closed: Path) -> None:
    """What a crash left behind is not seen, and the next write goes over it."""
    with (closed / LOG / SEGMENT).open("r+b") as file:
        file.seek(48)
        file.write(b"\xff" * 5000)
    with open_store(closed) as store:
        assert store.check() == []
        store.append([put("d", image(4))])
        with store.pin() as view:
            assert view.index("look").rows == 4
            assert view.vectors("d", "look").tolist() == [noise(4).tolist()]
        assert store.check() == []


def test_check_finds_a_vector_that_is_not_finite(closed: Path) -> None:
    """And says in which rows."""
    with (closed / LOG / SEGMENT).open("r+b") as file:
        file.seek(20)
        file.write(np.float32(np.nan).tobytes())
    assert _problems(closed) == [
        "lens 'look': NaN or infinity in rows 0 to 2",
        f"lens 'look': rows 0 to 2 of {SEGMENT} do not fit their checksum",
    ]


def test_check_finds_a_vector_of_another_length(closed: Path) -> None:
    """Cosine vectors have length 1."""
    with (closed / LOG / SEGMENT).open("r+b") as file:
        file.write(np.full(4, 3, np.float32).tobytes())
    assert "lens 'look': a row of 0 to 2 is not normalised" in _problems(closed)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM vectors WHERE row = 1", "2 live and 0 dead rows of 3"),
        ("INSERT INTO dead_rows VALUES (1, 1, 2)", "1 rows are live and dead"),
        ("UPDATE lenses SET log_rows = 4 WHERE key = 1", "3 live and 0 dead rows of 4"),
        ("DELETE FROM images WHERE item = 2", "refers to nothing"),
        ("INSERT INTO items VALUES (9, 'z', NULL, '{}')", "1 items have no image"),
        ("INSERT INTO items VALUES (9, 'z', NULL, '{}')", "the journal does not lead"),
        ("UPDATE appends SET crc32 = 0 WHERE lens = 1", "do not fit their checksum"),
    ],
)
def test_check_finds_tables_that_disagree(closed: Path, statement: str, problem: str) -> None:
    """Each kind of contradiction is found and said."""
    _execute(closed, statement)
    assert any(problem in text for text in _problems(closed))


def test_attributes_that_are_no_json(closed: Path) -> None:
    """A typed error where they are read."""
    _execute(closed, "UPDATE items SET attributes = '{' WHERE id = 'b'")
    with open_store(closed) as store, store.pin() as view:
        for read in (
            lambda: view.get("b"),
            lambda: view.count(parse("a=1")),
            lambda: view.records("look", [1]),
        ):
            with pytest.raises(CorruptCollection, match="stored value"):
                read()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lenses SET spec = '{'",
        "UPDATE lenses SET spec = '[]'",
        "UPDATE lenses SET spec = '{}'",
        "UPDATE lenses SET name = '../x' WHERE key = 1",
        "UPDATE lenses SET fingerprint = 'other' WHERE key = 2",
        "DELETE FROM lenses",
        "DROP TABLE lenses",
    ],
)
def test_lenses_that_cannot_be_read(closed: Path, statement: str) -> None:
    """A spec that is none, a name that leads elsewhere, none at all."""
    _execute(closed, statement)
    with pytest.raises(CorruptCollection):
        open_store(closed)


def test_bytes_flipped_anywhere_never_crash(closed: Path) -> None:
    """Opened, read, checked or refused with one of our errors, wherever the damage is."""
    whole = (closed / DATABASE).read_bytes()
    rng = random.Random(0)
    found = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 40))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        (closed / DATABASE).write_bytes(damaged)
        for name in ("-wal", "-shm"):
            (closed / f"{DATABASE}{name}").unlink(missing_ok=True)
        found += _uses(closed)
    assert found


def _uses(path: Path) -> bool:
    """Whether something was found wrong; only our own errors come."""
    try:
        with open_store(path) as store:
            wrong = bool(store.check())
            with store.pin() as view:
                list(view.items())
                view.count(parse("a=1"))
                view.index("look").search(noise(1)[None], 2, allow=view.allow("look"))
            store.append([put("a", image(5))])
        return wrong
    except MitameError:
        return True


def test_a_disk_that_is_full(store: Store) -> None:
    """SQLite's own limit on pages stands for it: a typed error, and what was there is there."""
    store.append([put("a")])
    connection, _ = store._writer._open()
    connection.execute("PRAGMA max_page_count = 1")
    many = [put(f"i{n}", attributes={"x": "y" * 3000}) for n in range(200)]
    with pytest.raises(StorageError, match="full"):
        store.append(many)
    with store.pin() as view:
        assert view.get("a") is not None
    connection.execute("PRAGMA max_page_count = 1000000")
    store.append([put("b")])
    assert store.check() == []
