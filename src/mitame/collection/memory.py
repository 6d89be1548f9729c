"""What the views of one store share, brought forward once for all of them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from mitame.collection import columns, rows
from mitame.collection.columns import Columns
from mitame.collection.lens import Lens
from mitame.collection.rows import LensRows


class _Versioned(Protocol):
    @property
    def position(self) -> int: ...


_T = TypeVar("_T", bound=_Versioned)


class _Versions(Generic[_T]):
    """The newest few versions of something, so that views pinned at once needn't agree."""

    KEPT = 4

    def __init__(self, start: _T) -> None:
        self._start = start
        self._versions: list[_T] = []

    def before(self, position: int) -> tuple[_T, bool]:
        """The newest version at most at a position, and whether it is the newest of all."""
        for version in reversed(self._versions):
            if version.position <= position:
                return version, version is self._versions[-1]
        return self._start, False

    def add(self, version: _T) -> None:
        """Keep a version, in place of one at the same position."""
        others = [v for v in self._versions if v.position != version.position]
        self._versions = sorted([*others, version], key=lambda v: v.position)[-self.KEPT :]


class SharedMemory:
    """Rows and columns by journal position; see `mitame.collection.view.Memory`."""

    def __init__(self, path: Path, lenses: Mapping[str, Lens], keys: Mapping[str, int]) -> None:
        self._path = path
        self._keys = keys
        self._lock = threading.Lock()
        self._rows = {name: _Versions(rows.empty(lens)) for name, lens in lenses.items()}
        self._columns = _Versions(columns.NOTHING)

    def rows(self, name: str, position: int, connection: sqlite3.Connection) -> LensRows:
        """A lens's rows at the position that the connection sees."""
        key = self._keys[name]

        def bring(old: LensRows, newest: bool) -> LensRows:
            return rows.forward(old, position, connection, key, self._path, own=newest)

        return self._brought(self._rows[name], position, bring)

    def columns(
        self, names: frozenset[str], position: int, connection: sqlite3.Connection
    ) -> Columns:
        """Columns of these names at the position that the connection sees."""
        with self._lock:
            old, _ = self._columns.before(position)
            if old.position == position and names <= old.by_name.keys():
                return old
            new = columns.forward(old, position, connection, names)
            self._columns.add(new)
            return new

    def _brought(
        self,
        versions: _Versions[LensRows],
        position: int,
        bring: Callable[[LensRows, bool], LensRows],
    ) -> LensRows:
        with self._lock:
            old, newest = versions.before(position)
            if old.position == position:
                return old
            new = bring(old, newest)
            versions.add(new)
            return new
