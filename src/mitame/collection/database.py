"""The SQLite file of a collection: its tables, how it is opened, and what its errors mean.

The file is in WAL mode with ``synchronous=FULL``: a commit is on the disk when it returns, and
readers go on with the moment they began at. ``application_id`` says that the file is ours,
``user_version`` is the version of the format.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mitame.collection.lens import Lens
from mitame.collection.paths import DATABASE
from mitame.errors import CollectionNotFound, CorruptCollection, NewerFormat, StorageError
from mitame.storage import sqlite

APPLICATION_ID = 0x6D697461  # "mita"
FORMAT = 2
BUSY_SECONDS = 10.0
"""How long to wait for another process's write."""

# A row of a lens is the place of a vector in the lens's log. It is in `vectors` while it is live,
# in `dead_rows` from the journal position that ended it, never in both, and it is not used again.
LENSES = """
CREATE TABLE lenses (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    place INTEGER NOT NULL,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    log_rows INTEGER NOT NULL DEFAULT 0,
    first_file TEXT,
    first_rows INTEGER NOT NULL DEFAULT 0
);
"""
"""`place` orders the lenses. A collection that began in format 1 keeps the file it had then:
`first_file` has the rows below `first_rows`."""

STATE = """
CREATE TABLE state (
    key INTEGER PRIMARY KEY CHECK (key = 1),
    lenses_changed INTEGER NOT NULL,
    journal_from INTEGER NOT NULL
);
INSERT INTO state VALUES (1, 0, 0);
CREATE TABLE appends (
    lens INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    PRIMARY KEY (lens, first)
) WITHOUT ROWID;
CREATE TABLE dropped_lenses (
    lens INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    dimension INTEGER NOT NULL
);
"""
"""`lenses_changed` is the position at which lenses were last added, dropped or renamed. The
journal and the dead rows up to `journal_from` are in every snapshot, and gone from the tables."""

CHOICES = """
CREATE TABLE IF NOT EXISTS choices (
    lens INTEGER PRIMARY KEY,
    choice TEXT NOT NULL
)
"""
"""The engine that was chosen for a lens, as JSON. Made when first needed: who doesn't know it
searches exactly, and misreads nothing."""

_ITEMS = """
CREATE TABLE items (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    category TEXT,
    attributes TEXT NOT NULL
);
CREATE TABLE images (
    item INTEGER NOT NULL REFERENCES items (key),
    ordinal INTEGER NOT NULL,
    content_hash TEXT,
    source BLOB,
    size INTEGER,
    modified_ns INTEGER,
    width INTEGER,
    height INTEGER,
    format TEXT,
    PRIMARY KEY (item, ordinal)
) WITHOUT ROWID;
CREATE INDEX images_by_hash ON images (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX images_by_source ON images (source) WHERE source IS NOT NULL;
CREATE TABLE vectors (
    lens INTEGER NOT NULL REFERENCES lenses (key),
    row INTEGER NOT NULL,
    item INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (lens, row),
    FOREIGN KEY (item, ordinal) REFERENCES images (item, ordinal)
) WITHOUT ROWID;
CREATE UNIQUE INDEX vectors_by_image ON vectors (item, ordinal, lens);
CREATE TABLE journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    item INTEGER NOT NULL,
    at INTEGER
);
CREATE TABLE dead_rows (
    position INTEGER NOT NULL,
    lens INTEGER NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (position, lens, row)
) WITHOUT ROWID;
"""
"""`at` is in seconds since 1970; a change of lenses is an entry of the journal with item 0."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns errors of SQLite and of the system into ours, naming the collection."""
    try:
        with sqlite.translated(f"collection {path}"):
            yield
    except OSError as error:
        remedy = NOT_ALLOWED_REMEDY if error.errno in _REFUSALS else None
        raise StorageError(
            f"collection {path}: {error.strerror or error}", remedy=remedy
        ) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """As `translated`, and stored values that can't be used mean that the file is damaged.

    For code that takes nothing but stored values, so that every such error is theirs.
    """
    try:
        with translated(path):
            yield
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, MemoryError) as e:
        raise CorruptCollection(
            f"collection {path}: a stored value can't be right ({type(e).__name__}: {e})"
        ) from e


NOT_ALLOWED_REMEDY = "give this user the right to read and write there, or choose another --data"
_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS)


def make(directory: Path, lenses: Sequence[Lens]) -> None:
    """Write a new database file, whole on the disk when it returns."""
    connection = sqlite3.connect(directory / DATABASE, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(f"BEGIN; {LENSES} {_ITEMS} {STATE}")
        connection.executemany(
            "INSERT INTO lenses (place, name, spec, fingerprint, dimension) VALUES (?, ?, ?, ?, ?)",
            [
                (place, lens.name, lens.spec.to_json(), lens.spec.fingerprint, lens.spec.dimension)
                for place, lens in enumerate(lenses)
            ],
        )
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def connect(
    path: Path, *, busy_seconds: float = BUSY_SECONDS, writable: bool = False
) -> sqlite3.Connection:
    """A connection to the collection in a directory, which must be one of this format.

    It may be used by one thread at a time, not only by the one that made it.

    Raises:
        sqlite3.Error: to be met by `translated`.
        CollectionNotFound, CorruptCollection, NewerFormat: as they say.
    """
    connection = connect_any(path, busy_seconds)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version < FORMAT:
            raise CorruptCollection(f"{path / DATABASE} has the old format {version}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -16384")  # KiB
        connection.execute(f"PRAGMA query_only = {0 if writable else 1}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_any(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """A writable connection to a collection of this format or an older one.

    Raises:
        sqlite3.Error, CollectionNotFound, CorruptCollection, NewerFormat: as `connect`.
    """
    file = path / DATABASE
    if not file.is_file():
        raise CollectionNotFound(f"no collection at {path}")
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _check_format(connection, file)
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, file: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise CorruptCollection(f"{file} is no collection of mitame")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise NewerFormat(f"{file} has format {version}, this mitame knows up to {FORMAT}")


def position(connection: sqlite3.Connection) -> int:
    """The last position of the journal as this connection sees it; 0 before the first change."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").fetchone()
    return 0 if row is None else int(row[0])


def state(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """`position`, `lenses_changed` and `journal_from` as this connection sees them."""
    row: tuple[int, int, int] = connection.execute(
        "SELECT (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'journal'),"
        " lenses_changed, journal_from FROM state"
    ).fetchone()
    return row
