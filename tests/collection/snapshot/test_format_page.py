"""``docs/format.md`` tells all there is: parts, fields, tables."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from mitame.collection import create
from mitame.collection.paths import DATABASE
from mitame.collection.snapshot.part import TYPES
from mitame.storage import MemoryDirectory
from tests.collection.made import COLOR, LOOK
from tests.collection.snapshot.planned import build, files, small

PAGE = (Path(__file__).parents[3] / "docs" / "format.md").read_text(encoding="utf-8")


def test_every_part() -> None:
    """By its name, kind and type."""
    snapshot = build(MemoryDirectory(), small())
    for part in snapshot.manifest.parts.values():
        name = re.sub(r"^lens-\d+", "lens-L", re.sub(r"^column-\d+", "column-C", part.file))
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` "))
        assert f"| `{part.kind}` |" in row
        assert part.dtype in row


def test_every_field_of_the_manifest() -> None:
    """Of the manifest, its lenses and its parts."""
    directory = MemoryDirectory()
    build(directory, small())
    manifest = json.loads(files(directory)["manifest.json"])
    for field in [*manifest, *manifest["lenses"][0], *manifest["parts"][0], *TYPES]:
        assert f"`{field}`" in PAGE


def test_the_database(tmp_path: Path) -> None:
    """Every table, and the number of the format."""
    create(tmp_path / "shop", [LOOK, COLOR]).close()
    with closing(sqlite3.connect(tmp_path / "shop" / DATABASE)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            assert f"`{table}`" in PAGE
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    assert f"collection's format, now {version}." in PAGE
    assert f"0x{application:X}" in PAGE
