"""The jobs as the runner sees them: begun, told of, ended, put back, forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mitame.errors import MitameError
from mitame.serving.work.jobs import Job, Jobs, JobState, Kind, described, dumped

ATTEMPTS = 3
"""How often a job is begun whose runner dies under it, before the job is what is blamed."""
WEEK = 7 * 86_400.0
MOST_KEPT = 10_000
"""Jobs that have ended and are remembered."""


class Queue(Jobs):
    """What the runner does with jobs. Safe from several threads; one runner at a time.

    Args:
        state: where they are kept.
    """

    def any_queued(self) -> bool:
        """Whether a job waits; costs no write."""
        return bool(self._state.read("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1"))

    def take(self, busy: frozenset[str | None]) -> Job | None:
        """Begin the job that waits the longest; None where none may begin.

        Args:
            busy: collections of which a job runs already.
        """
        with self._state.write() as connection:
            rows = connection.execute(
                "SELECT id, collection FROM jobs WHERE state = 'queued' ORDER BY created, id"
            )
            taken = next((name for name, collection in rows if collection not in busy), None)
            if taken is None:
                return None
            now = time.time()
            connection.execute(
                "UPDATE jobs SET state = 'running', started = ?, updated = ?, done = 0,"
                " attempts = attempts + 1 WHERE id = ?",
                (now, now, taken),
            )
        return self.get(str(taken))

    def begin(
        self, job: str, kind: Kind, collection: str, arguments: Mapping[str, Any], message: str
    ) -> Job:
        """A job of a name of its own that runs from now on, whatever became of it before."""
        now = time.time()
        with self._state.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO jobs (id, kind, collection, arguments, state, message,"
                " created, started, updated) VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?)",
                (job, kind, collection, dumped(arguments), message, now, now, now),
            )
        return self.get(job)

    def progress(
        self, job: str, done: float, total: float | None, message: str | None = None
    ) -> bool:
        """Say how far a job is.

        Returns:
            Somebody wants it to stop.
        """
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET done = ?, total = ?, message = coalesce(?, message),"
                " updated = ? WHERE id = ?",
                (done, total, message, time.time(), job),
            )
            row = connection.execute("SELECT cancelled FROM jobs WHERE id = ?", (job,)).fetchone()
        return row is None or bool(row[0])

    def note(self, job: str, result: Mapping[str, Any] | None, error: MitameError | None) -> None:
        """What a job that goes on has found out last."""
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET result = ?, error = ?, updated = ? WHERE id = ?",
                (dumped(result), dumped(described(error)), time.time(), job),
            )

    def end(
        self,
        job: str,
        state: JobState,
        result: Mapping[str, Any] | None = None,
        error: MitameError | None = None,
    ) -> None:
        """Say what became of a job."""
        now = time.time()
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, result = ?, error = ?, updated = ?, ended = ?"
                " WHERE id = ?",
                (state, dumped(result), dumped(described(error)), now, now, job),
            )

    def give_back(self, job: str) -> None:
        """A job that was stopped for no fault of its own waits again."""
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'queued', started = NULL, attempts = attempts - 1,"
                " updated = ? WHERE id = ? AND state = 'running'",
                (time.time(), job),
            )

    def take_over(self) -> None:
        """After a runner that died: what it ran waits again, or has failed too often."""
        now = time.time()
        error = dumped(
            {
                "code": "runner_died",
                "detail": f"the process that did it ended {ATTEMPTS} times before it was done",
                "remedy": "look into the server's log, and whether there is memory enough",
            }
        )
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', updated = ?, ended = ?"
                " WHERE state = 'running' AND (cancelled = 1 OR kind = 'follow')",
                (now, now),
            )
            connection.execute(
                "UPDATE jobs SET state = 'failed', error = ?, updated = ?, ended = ?"
                " WHERE state = 'running' AND attempts >= ?",
                (error, now, now, ATTEMPTS),
            )
            connection.execute(
                "UPDATE jobs SET state = 'queued', started = NULL, updated = ?"
                " WHERE state = 'running'",
                (now,),
            )

    def forget(self, age_seconds: float = WEEK) -> None:
        """Forget jobs that ended so long ago, and the oldest of very many."""
        with self._state.write() as connection:
            connection.execute("DELETE FROM jobs WHERE ended < ?", (time.time() - age_seconds,))
            connection.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE ended IS NOT NULL"
                " ORDER BY ended DESC LIMIT -1 OFFSET ?)",
                (MOST_KEPT,),
            )
