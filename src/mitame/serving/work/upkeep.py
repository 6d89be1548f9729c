"""What the runner does unasked: merges when they pay, figures for metrics, forgetting."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from mitame.collection import DeltaCounts, MergePolicy, should_merge
from mitame.errors import JobNotFound, MitameError
from mitame.serving.registry import OpenCollections
from mitame.serving.seeing.figures import Figures, figures_of, write_figures
from mitame.serving.state import State
from mitame.serving.work.queue import Queue

LOOK_SECONDS = 5.0
"""Between two looks at the collections."""
FORGET_SECONDS = 3_600.0
DAY = 86_400.0
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3_600.0
AS_USUAL = {"keep": 2, "neighbors": None, "half": False, "rebuild": False}
"""How a merge is done that nobody asked for."""


@dataclass
class _Merging:
    """Merges of one collection that nobody asked for.

    Attributes:
        job: the newest one's id.
        pause: seconds to wait after the next one that fails.
        until: none before this time.
    """

    job: str
    pause: float = _FIRST_PAUSE
    until: float = 0.0


class Upkeep:
    """Looks after all collections. For one thread.

    Args:
        state, jobs, collections: of the runner.
        merge: merge by itself when it is worth it.
    """

    def __init__(
        self, state: State, jobs: Queue, collections: OpenCollections, *, merge: bool
    ) -> None:
        self._state = state
        self._jobs = jobs
        self._collections = collections
        self._merge = merge
        self._figures: dict[str, Figures] = {}
        self._merging: dict[str, _Merging] = {}
        self._forgotten = float("-inf")

    def look(self) -> None:
        """One round. What is wrong with one collection does not keep the others waiting."""
        with suppress(MitameError):
            self._forget()
        found: dict[str, Figures] = {}
        with suppress(MitameError):
            for name in self._collections.names():
                with suppress(MitameError):
                    opened = self._collections.opened(name)
                    found[name], counts = figures_of(opened, self._figures.get(name))
                    if self._merge:
                        self._merge_if_due(name, counts)
        self._figures = found
        write_figures(self._state.folder, found)

    def _merge_if_due(self, name: str, counts: DeltaCounts) -> None:
        reason = should_merge(counts, MergePolicy())
        if reason is None or self._is_too_early(name):
            return
        unfinished = self._jobs.unfinished()
        if any(job.kind == "merge" and job.collection == name for job in unfinished):
            return
        job = self._jobs.add("merge", name, AS_USUAL, reason)
        before = self._merging.setdefault(name, _Merging(job.id))
        before.job = job.id

    def _is_too_early(self, name: str) -> bool:
        """Whether the last one failed not long ago; it would fail again, for hours on end."""
        last = self._merging.get(name)
        if last is None:
            return False
        with suppress(JobNotFound):
            job = self._jobs.get(last.job)
            if job.state == "done":
                del self._merging[name]
                return False
            if job.state in ("failed", "cancelled") and not last.until:
                last.until = time.monotonic() + last.pause
                last.pause = min(2 * last.pause, _LONGEST_PAUSE)
        if time.monotonic() < last.until:
            return True
        last.until = 0.0
        return False

    def _forget(self) -> None:
        if time.monotonic() - self._forgotten < FORGET_SECONDS:
            return
        self._jobs.forget()
        with self._state.write() as connection:
            connection.execute("DELETE FROM answered WHERE at < ?", (time.time() - DAY,))
        self._forgotten = time.monotonic()
