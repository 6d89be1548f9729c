"""Names of collections and lenses lead nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mitame.collection import (
    Lens,
    bytes_within,
    check_name,
    collection_path,
    create,
    list_collections,
)
from mitame.collection.paths import DATABASE
from mitame.errors import StorageError, UsageError
from tests.collection.made import LOOK, spec

BAD = ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "-x", "a b", "a\n", "a\0", "ä", "x" * 101]


@pytest.mark.parametrize("name", BAD)
def test_bad_names_of_collections_are_refused(name: str) -> None:
    """No way out of the data directory, nothing hidden, nothing odd."""
    with pytest.raises(UsageError):
        collection_path(Path("data"), name)


@pytest.mark.parametrize("name", ["a", "A9", "my.shop_2-x", "x" * 100])
def test_good_names_of_collections(name: str) -> None:
    """They are the directory's name."""
    assert check_name(name) == name
    assert collection_path(Path("data"), name) == Path("data", name)


@pytest.mark.parametrize("name", [*BAD, "Look", "x" * 65])
def test_bad_names_of_lenses_are_refused(name: str) -> None:
    """A lens's name becomes part of a file's name: small letters only."""
    with pytest.raises(UsageError):
        Lens(name, spec())


@pytest.mark.parametrize("dimension", [0, -1, 65_537])
def test_lenses_need_a_dimension(dimension: int) -> None:
    """A spec without one is no lens yet."""
    with pytest.raises(UsageError, match="dimensions"):
        Lens("look", spec(dimension))


def test_list_collections(tmp_path: Path) -> None:
    """Sorted; files, foreign folders and what is being made are left out."""
    data = tmp_path / "data"
    assert list_collections(data) == []
    for name in ("b", "A", "a"):
        create(data / name, [LOOK]).close()
    (data / "file").write_text("x")
    (data / "folder").mkdir()
    (data / ".b.new-1").mkdir()
    (data / ".b.new-1" / DATABASE).touch()
    assert list_collections(data) == ["A", "a", "b"]
    with pytest.raises(StorageError):
        list_collections(data / "file")


def test_bytes_are_counted_while_a_merge_removes_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder may go between being seen and being looked into."""
    (tmp_path / "log").write_bytes(b"12345")
    (tmp_path / "snapshots" / "1").mkdir(parents=True)
    (tmp_path / "snapshots" / "1" / "rows").write_bytes(b"123")
    assert bytes_within(tmp_path) == 8
    scan = os.scandir

    def vanishing(path: str | Path) -> Any:
        if Path(path).name == "1":
            Path(path, "rows").unlink()
            Path(path).rmdir()
        return scan(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert bytes_within(tmp_path) == 5
    assert bytes_within(tmp_path / "nothing") == 0
