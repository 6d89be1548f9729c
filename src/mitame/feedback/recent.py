"""The questions of the last time, so that feedback finds what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mitame.collection.paths import QUERIES
from mitame.errors import CorruptCollection
from mitame.feedback.question import AskedQuestion
from mitame.storage.ring import drop_oldest, last_end
from mitame.storage.sqlite_file import SqliteFile

MAX_BYTES = 128 << 20
"""Of questions that are kept; the oldest go. A vector of 1,280 numbers is 5 kB: some 25,000."""
_TABLES = """
CREATE TABLE queries (
    ends INTEGER PRIMARY KEY,
    query_id TEXT NOT NULL UNIQUE,
    question TEXT NOT NULL,
    vectors BLOB,
    count INTEGER NOT NULL
)
"""


class RecentQueries:
    """The file of a collection. Losing it loses no feedback, only what later events are about.

    Args:
        path: the collection's directory.
        max_bytes: that are kept.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._file = SqliteFile(path / QUERIES, _TABLES, durable=False)
        self._max_bytes = max_bytes

    def keep(self, asked: Sequence[tuple[str, AskedQuestion]]) -> None:
        """Keep questions by the query ids of their answers; the oldest go where room is short.

        Raises:
            CollectionError: the file can't be written.
        """
        with self._file.write() as connection:
            end, rows = last_end(connection, "queries"), []
            for query_id, question in asked:
                text, vectors, count = question.stored()
                end += len(text) + len(vectors or b"") + 100
                rows.append((end, query_id, text, vectors, count))
            connection.executemany("INSERT OR IGNORE INTO queries VALUES (?, ?, ?, ?, ?)", rows)
            drop_oldest(connection, "queries", self._max_bytes)

    def find(self, query_id: str) -> AskedQuestion | None:
        """What an answer's question was; None where it is not known (any more).

        Raises:
            CollectionError: the file can't be read.
        """
        sql = "SELECT question, vectors, count FROM queries WHERE query_id = ?"
        with self._file.read() as connection:
            if connection is None:
                return None
            row = connection.execute(sql, (query_id,)).fetchone()
        return None if row is None else read_question(row)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def read_question(row: tuple[str, bytes | None, int]) -> AskedQuestion:
    """The question of a row.

    Raises:
        CorruptCollection: it can't be one.
    """
    try:
        return AskedQuestion.of_stored(*row)
    except (ValueError, TypeError) as error:
        raise CorruptCollection("a stored question can't be right") from error
