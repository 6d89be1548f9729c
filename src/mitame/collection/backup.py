"""A copy of a collection at one moment, taken while others write, and bringing one back."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from mitame.collection.database import translated
from mitame.collection.generations import name_of
from mitame.collection.paths import (
    COMPARISONS,
    COPIES,
    DATABASE,
    DECISIONS,
    EVALUATIONS,
    FEEDBACK,
    LOG,
    ROOT,
    SNAPSHOTS,
)
from mitame.collection.root import serve
from mitame.collection.view import View
from mitame.errors import (
    CollectionExists,
    CollectionNotFound,
    MitameError,
)
from mitame.storage import Directory, LocalDirectory, sqlite

OnProgress: TypeAlias = Callable[[int, int], None]
_BLOCK = 8 << 20
_TOLD = (FEEDBACK, DECISIONS, COMPARISONS, EVALUATIONS, COPIES)
"""What lies beside the items, and can't be made again."""


def back_up(
    view: View, source: Directory, target: Directory, name: str, *, on_progress: OnProgress
) -> None:
    """Copy a collection as a view sees it.

    Args:
        view: the moment; its generation stays pinned meanwhile.
        source: the collection's directory.
        target: where the copy is made.
        name: of the copy there; nothing of this name may be there.
        on_progress: called with bytes done and bytes to do, the database's left out.

    Raises:
        CollectionExists: there is something of this name.
        StorageError: the disk does not let us.
    """
    files = [*_snapshot_files(view, source), *_log_files(view, source)]
    total, done = sum(size for *_, size in files), 0
    with beside(target, name) as building:
        building.child(LOG)
        building.child(SNAPSHOTS)
        for folder, inside, file, size in files:
            done += _copy(folder, _at(building, inside), file, size)
            on_progress(done, total)
        assert building.path is not None
        view.copy_database(building.path)
        for file in _TOLD:
            _copy_told(source, building.path, file)
        serve(building, view.generation)
        for inside in sorted({inside for _, inside, *_ in files}, reverse=True):
            _at(building, inside).sync()
        building.child(LOG).sync()
        building.child(SNAPSHOTS).sync()


def _copy_told(source: Directory, target: Path, file: str) -> None:
    """What users did or decided, as it is now: it is no part of the moment."""
    if source.path is None or not (source.path / file).is_file():
        return
    with (
        sqlite.translated(source.path / file, remedy="move it away: items do not need it"),
        closing(sqlite3.connect(source.path / file)) as there,
        closing(sqlite3.connect(target / file)) as copy,
    ):
        copy.execute("PRAGMA synchronous = FULL")
        there.backup(copy)


_File: TypeAlias = tuple[Directory, tuple[str, ...], str, int]
"""A file's folder, where that folder goes in the copy, its name, and how many bytes count."""


def _snapshot_files(view: View, source: Directory) -> Iterator[_File]:
    if view.generation:
        inside = (SNAPSHOTS, name_of(view.generation))
        folder = _at(source, inside)
        for file in folder.names():
            yield folder, inside, file, folder.size(file)


def _log_files(view: View, source: Directory) -> Iterator[_File]:
    for name, entry in view.stored.items():
        rows = view.lens_rows(name)
        for file, _, end in entry.log.files(rows.base.log_rows, rows.log_rows):
            inside = () if file.is_first else (LOG,)
            size = (end - file.first) * entry.log.row_bytes
            yield _at(source, inside), inside, file.name, size


def _at(directory: Directory, inside: tuple[str, ...]) -> Directory:
    for name in inside:
        directory = directory.child(name)
    return directory


def _copy(source: Directory, target: Directory, name: str, size: int) -> int:
    data = source.map(name)[:size]
    with target.create(name) as output:
        for start in range(0, size, _BLOCK):
            output.write(data[start : start + _BLOCK])
        output.sync()
    return size


@contextmanager
def beside(target: Directory, name: str) -> Iterator[Directory]:
    """A new directory that gets its name when the block ends well, and goes when it doesn't.

    Args:
        target: where.
        name: what it will be called.

    Raises:
        CollectionExists: there is something of this name.
    """
    if target.exists(name):
        raise CollectionExists(f"there is something at {_place(target, name)} already")
    temporary = f".new-{secrets.token_hex(8)}"
    try:
        building = target.child(temporary)
        yield building
        building.sync()
        try:
            target.rename(temporary, name)
        except MitameError as error:
            if target.exists(name):
                place = _place(target, name)
                raise CollectionExists(f"there is something at {place} already") from error
            raise
        target.sync()
    except BaseException:
        with suppress(MitameError):
            target.remove(temporary)
        raise


def _place(target: Directory, name: str) -> str:
    return name if target.path is None else str(target.path / name)


def copy_backup(source: Path, target: Directory) -> None:
    """Copy the files of a collection that nobody has open into an empty directory, durably.

    Raises:
        CollectionNotFound: there is none at the source.
    """
    if not (source / DATABASE).is_file():
        raise CollectionNotFound(f"no collection at {source}", remedy="name a backup's directory")
    with translated(source):
        _copy_tree(LocalDirectory(source), target)


def _copy_tree(source: Directory, target: Directory) -> None:
    for name in source.names():
        assert source.path is not None
        if (source.path / name).is_dir():
            if not name.startswith("."):
                _copy_tree(source.child(name, make=False), target.child(name))
        elif _is_kept(name):
            _copy(source, target, name, source.size(name))
    target.sync()


def _is_kept(name: str) -> bool:
    is_database = name.removesuffix("-wal") in (DATABASE, *_TOLD)
    return is_database or name == ROOT or name.endswith((".f32", ".part"))
