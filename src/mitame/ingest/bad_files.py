"""The files that could not be indexed, as the last look at each source found them.

``bad-files.sqlite3`` in the collection's directory. A file leaves the list when its source is
looked at again and offers it no more, or it has been mended.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mitame.collection.paths import BAD_FILES
from mitame.images.candidate import Refused, Source
from mitame.ingest.report import IndexReport
from mitame.storage.sqlite_file import SqliteFile

MAX_FILES = 10_000
"""Of a source that are kept; the rest are only counted."""
_LONGEST = 1_000
_TABLES = """
CREATE TABLE bad_files (
    location TEXT NOT NULL,
    source TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    remedy TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (location, source)
);
CREATE TABLE sources (source TEXT PRIMARY KEY, total INTEGER NOT NULL)
"""
_CUT = (
    "DELETE FROM bad_files WHERE source = ? AND location NOT IN"
    " (SELECT location FROM bad_files WHERE source = ? ORDER BY location LIMIT ?)"
)


@dataclass(frozen=True)
class BadFile:
    """A place that gave no picture.

    Attributes:
        location: path, archive and member, URL, or a manifest's line.
        code: of the error, stable.
        reason: what is wrong.
        remedy: what to do about it.
        since: when it was found first, seconds since 1970.
    """

    location: str
    code: str
    reason: str
    remedy: str
    since: float


class BadFiles:
    """The list of a collection. Safe from several threads and processes.

    Its methods raise CollectionBusy, StorageError or CorruptCollection.

    Args:
        path: the collection's directory.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path / BAD_FILES, _TABLES, durable=False)

    def keep(self, sources: Sequence[Source], report: IndexReport) -> None:
        """Keep what a run has found; nothing is written where it is what is kept already.

        Args:
            sources: that were looked at.
            report: of the run; where it was interrupted, nothing leaves the list.
        """
        for root, refused in _by_source(sources, report.refused).items():
            rows = _rows(refused)
            if self._kept(root) != (rows, len(refused)):
                self._replace(root, rows, len(refused), whole=not report.interrupted)

    def files(
        self, after: str = "", limit: int = 100, code: str | None = None
    ) -> tuple[list[BadFile], int]:
        """Bad files by location, and how many there are in all, also those that are not kept.

        Args:
            after: begin past this location.
            limit: at most so many.
            code: only with this reason; then all that are kept are counted.
        """
        with self._file.read() as connection:
            if connection is None:
                return [], 0
            found = connection.execute(
                "SELECT location, code, reason, remedy, min(since) FROM bad_files"
                " WHERE location > ? AND (? IS NULL OR code = ?)"
                " GROUP BY location ORDER BY location LIMIT ?",
                (after, code, code, limit),
            ).fetchall()
            counted = "SELECT coalesce(sum(total), 0) FROM sources"
            if code is not None:
                counted = "SELECT count(DISTINCT location) FROM bad_files WHERE code = ?"
            total = connection.execute(counted, () if code is None else (code,)).fetchone()[0]
        return [BadFile(a, b, c, d, since / 1_000) for a, b, c, d, since in found], int(total)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _kept(self, root: str) -> tuple[dict[str, tuple[str, str, str]], int]:
        with self._file.read() as connection:
            if connection is None:
                return {}, 0
            sql = "SELECT location, code, reason, remedy FROM bad_files WHERE source = ?"
            rows = {row[0]: tuple(row[1:]) for row in connection.execute(sql, (root,))}
            total = "SELECT coalesce(max(total), 0) FROM sources WHERE source = ?"
            return rows, int(connection.execute(total, (root,)).fetchone()[0])

    def _replace(
        self, root: str, rows: dict[str, tuple[str, str, str]], total: int, *, whole: bool
    ) -> None:
        now = int(time.time() * 1_000)
        with self._file.write() as connection:
            sql = "SELECT location, since FROM bad_files WHERE source = ?"
            since = dict(connection.execute(sql, (root,)).fetchall())
            if whole:
                connection.execute("DELETE FROM bad_files WHERE source = ?", (root,))
            connection.executemany(
                "INSERT OR REPLACE INTO bad_files VALUES (?, ?, ?, ?, ?, ?)",
                [(name, root, *told, since.get(name, now)) for name, told in rows.items()],
            )
            if not whole:
                connection.execute(_CUT, (root, root, MAX_FILES))
                sql = "SELECT count(*) FROM bad_files WHERE source = ?"
                total = max(total, connection.execute(sql, (root,)).fetchone()[0])
            connection.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", (root, total))


def _by_source(sources: Sequence[Source], refused: Sequence[Refused]) -> dict[str, list[Refused]]:
    """Each refusal with the source that offered it: its location need not say which that was."""
    found: dict[str, list[Refused]] = {source.root: [] for source in sources}
    for each in refused:
        if each.root is not None:
            found[each.root].append(each)
    return found


def _rows(refused: Sequence[Refused]) -> dict[str, tuple[str, str, str]]:
    return {
        _text(each.location): (
            each.error.code,
            _text(each.error.message),
            _text(each.error.remedy or ""),
        )
        for each in refused[:MAX_FILES]
    }


def _text(value: str) -> str:
    """As SQLite and JSON can have it: names of files may be no UTF-8."""
    return value[:_LONGEST].encode(errors="replace").decode()
