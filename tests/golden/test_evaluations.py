"""What was measured over time, of format 1, says what it said."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from mitame.collection import EvaluationStore
from mitame.collection.paths import EVALUATIONS
from tests.golden.make_evaluations_1 import HERE, KEPT, build


def test_evaluations_1(tmp_path: Path) -> None:
    """All that was kept is there, and more can be added behind it."""
    shutil.copy(HERE / "evaluations-1.sqlite3", tmp_path / EVALUATIONS)
    with closing(EvaluationStore(tmp_path)) as store:
        assert store.evaluations() == KEPT[::-1]
        added = store.add([replace(KEPT[0], sequence=0)])
        assert store.evaluations() == [*added, *KEPT[::-1]]
    assert added[0].sequence == 3


def _content(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        names = ("user_version", "journal_mode")
        told: list[Any] = [connection.execute(f"PRAGMA {name}").fetchone() for name in names]
        for sql in ("SELECT name, sql FROM sqlite_schema", "SELECT * FROM evaluations"):
            told.append(connection.execute(sql).fetchall())
    return told


def test_evaluations_1_is_what_is_written_today(tmp_path: Path) -> None:
    """The same tables and rows: who changes the format must give it another number."""
    golden = tmp_path / "golden"
    shutil.copy(HERE / "evaluations-1.sqlite3", golden)
    assert _content(golden) == _content(build(tmp_path))
