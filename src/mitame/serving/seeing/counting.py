"""The counters of all processes of a data directory: each has a file, whoever is asked adds up.

A counter must not fall when a worker is replaced, so the numbers of processes that have ended are
kept in one more file. All begin anew when the first process starts.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path

from mitame.errors import MitameError
from mitame.serving.seeing.counters import read_counters, write_counters
from mitame.serving.seeing.exposition import family_of
from mitame.storage.locking import file_lock

FOLDER = "metrics"
_ENDED = "ended"
_SUFFIX = ".numbers"
_ALIVE = ".alive"
_WAIT_SECONDS = 2.0


class CountingFolder:
    """Where the processes of a data directory count.

    Args:
        state: folder for what they share.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / FOLDER

    def join(self, kind: str) -> tuple[Path, ExitStack]:
        """A place for this process' file, and what holds it while the process lives.

        Args:
            kind: of process, such as ``worker``.

        Raises:
            CollectionBusy, StorageError: the folder can't be locked or written.
        """
        held = ExitStack()
        with suppress(OSError):
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file_lock(self._path / "lock", shared=False, wait_seconds=_WAIT_SECONDS):
            self._settle()
            name = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
            alive = self._path / (name + _ALIVE)
            held.enter_context(file_lock(alive, shared=False, wait_seconds=0))
        return self._path / (name + _SUFFIX), held

    def living(self) -> list[Path]:
        """The files of processes that live, sorted."""
        return [path for path in self._files() if _is_alive(path)]

    def totals(self) -> dict[str, list[float]]:
        """The numbers of all processes together, by series; gauges of those that live only."""
        with suppress(MitameError), self._locked():
            self._settle()
        found = read_counters(_bytes(self._ended))
        for path in self._files():
            _add(found, read_counters(_bytes(path)))
        return found

    def _locked(self) -> ExitStack:
        held = ExitStack()
        held.enter_context(file_lock(self._path / "lock", shared=False, wait_seconds=_WAIT_SECONDS))
        return held

    def _settle(self) -> None:
        """Keep the counts of processes that have ended, or of none where all have."""
        files = self._files()
        ended = [path for path in files if not _is_alive(path)]
        if len(ended) == len(files):
            self._ended.unlink(missing_ok=True)
        elif ended:
            kept = read_counters(_bytes(self._ended))
            for path in ended:
                _add(kept, _lasting(read_counters(_bytes(path))))
            part = self._path / f".{_ENDED}"
            part.write_bytes(write_counters(kept))
            part.replace(self._ended)
        for path in ended:
            path.unlink(missing_ok=True)
            path.with_suffix(_ALIVE).unlink(missing_ok=True)

    @property
    def _ended(self) -> Path:
        return self._path / _ENDED

    def _files(self) -> list[Path]:
        return sorted(self._path.glob(f"*{_SUFFIX}"))


def _is_alive(path: Path) -> bool:
    """Whether the process still holds the lock of its file."""
    try:
        with file_lock(path.with_suffix(_ALIVE), shared=False, wait_seconds=0):
            return False
    except MitameError:
        return True


def _lasting(values: dict[str, list[float]]) -> dict[str, list[float]]:
    """Without gauges, which end with their process."""
    families = {key: family_of(key) for key in values}
    return {
        key: numbers
        for key, numbers in values.items()
        if (family := families[key]) is not None and family.kind != "gauge"
    }


def _add(to: dict[str, list[float]], more: dict[str, list[float]]) -> None:
    for key, numbers in more.items():
        family = family_of(key)
        if family is None or len(numbers) != family.slots:
            continue
        before = to.get(key, [0.0] * len(numbers))
        to[key] = [one + other for one, other in zip(before, numbers, strict=True)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
