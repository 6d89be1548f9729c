"""Long work: asked for by a worker, done by the runner's process, seen by all."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from mitame.errors import JobNotFound, MitameError, Overloaded
from mitame.serving.state import State

Kind: TypeAlias = Literal["merge", "index", "tune", "evaluate", "follow"]
JobState: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]

MOST_QUEUED = 1_000
"""Jobs that may wait; more are refused."""
_SELECT = (
    "SELECT id, kind, collection, arguments, state, done, total, message, result, error,"
    " cancelled, created, started, updated, ended FROM jobs"
)


@dataclass(frozen=True)
class Job:
    """A piece of long work.

    Attributes:
        id: its name.
        kind: what is done.
        collection: to which; None for none.
        arguments: how.
        state: where it is.
        done, total: work done and to do, in units of its own; total is None until it is known.
        message: one line for people.
        result: of one that is done.
        error: of one that failed: code, detail, remedy.
        cancelled: somebody wants it to stop.
        created, started, updated, ended: seconds since 1970.
    """

    id: str
    kind: Kind
    collection: str | None
    arguments: Mapping[str, Any]
    state: JobState
    done: float
    total: float | None
    message: str | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    cancelled: bool
    created: float
    started: float | None
    updated: float
    ended: float | None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds that are left at the speed so far; None where that can't be told."""
        if self.state != "running" or self.started is None or not self.total or self.done <= 0:
            return None
        if self.kind == "follow" and self.result is not None:
            return None  # it has begun long before this round
        return (self.updated - self.started) / self.done * max(0.0, self.total - self.done)


class Jobs:
    """The jobs of a data directory. Safe from several threads and processes.

    Args:
        state: where they are kept.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def add(
        self,
        kind: Kind,
        collection: str | None,
        arguments: Mapping[str, Any] | None = None,
        message: str | None = None,
    ) -> Job:
        """Queue a job; one that waits already and is the same is answered instead.

        Raises:
            Overloaded: too many wait.
        """
        text, now = dumped(arguments or {}), time.time()
        with self._state.write() as connection:
            waiting = connection.execute(
                "SELECT id FROM jobs WHERE state = 'queued' AND cancelled = 0"
                " AND kind = ? AND collection IS ? AND arguments = ?",
                (kind, collection, text),
            ).fetchone()
            made = secrets.token_hex(8) if waiting is None else str(waiting[0])
            if waiting is None:
                sql = "SELECT count(*) FROM jobs WHERE state = 'queued'"
                if connection.execute(sql).fetchone()[0] >= MOST_QUEUED:
                    raise Overloaded(f"{MOST_QUEUED:,} jobs wait already")
                connection.execute(
                    "INSERT INTO jobs (id, kind, collection, arguments, state, message,"
                    " created, updated) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
                    (made, kind, collection, text, message, now, now),
                )
        return self.get(made)

    def get(self, job: str) -> Job:
        """A job.

        Raises:
            JobNotFound: none has this id.
        """
        rows = self._state.read(_SELECT + " WHERE id = ?", job)
        if not rows:
            raise no_job(job)
        return _job(rows[0])

    def newest(self, *, before: Job | None = None, limit: int = 100) -> list[Job]:
        """Jobs, the newest first.

        Args:
            before: only older ones than this.
            limit: at most so many.
        """
        created, name = (1e18, "") if before is None else (before.created, before.id)
        sql = _SELECT + " WHERE (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?"
        return [_job(row) for row in self._state.read(sql, created, name, limit)]

    def unfinished(self) -> list[Job]:
        """Jobs that wait or run, the oldest first."""
        sql = _SELECT + " WHERE state IN ('queued', 'running') ORDER BY created, id"
        return [_job(row) for row in self._state.read(sql)]

    def counts(self) -> list[tuple[str, str, int]]:
        """How many there are of each kind and state."""
        rows = self._state.read("SELECT kind, state, count(*) FROM jobs GROUP BY kind, state")
        return [(str(kind), str(state), cast("int", count)) for kind, state, count in rows]

    def cancel(self, job: str) -> Job:
        """Ask a job to stop: at once where it waits, at its next step where it runs.

        One that has ended stays as it is.

        Raises:
            JobNotFound: none has this id.
        """
        now = time.time()
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', cancelled = 1, updated = ?, ended = ?"
                " WHERE id = ? AND state = 'queued'",
                (now, now, job),
            )
            connection.execute(
                "UPDATE jobs SET cancelled = 1 WHERE id = ? AND state = 'running'", (job,)
            )
        return self.get(job)


def no_job(job: str) -> JobNotFound:
    """The one answer for a job that is not there and for one that is not the caller's."""
    return JobNotFound(f"no job {job[:40]!r}")


def described(error: MitameError | None) -> dict[str, Any] | None:
    """An error as jobs keep it."""
    if error is None:
        return None
    return {"code": error.code, "detail": error.line(), "remedy": error.remedy}


def dumped(value: Mapping[str, Any] | None) -> str | None:
    """As the database keeps it."""
    return None if value is None else json.dumps(value, sort_keys=True)


def _loaded(text: object) -> Any:
    return None if text is None else json.loads(str(text))


def _job(row: tuple[Any, ...]) -> Job:
    return Job(
        id=row[0],
        kind=row[1],
        collection=row[2],
        arguments=_loaded(row[3]),
        state=row[4],
        done=row[5],
        total=row[6],
        message=row[7],
        result=_loaded(row[8]),
        error=_loaded(row[9]),
        cancelled=bool(row[10]),
        created=row[11],
        started=row[12],
        updated=row[13],
        ended=row[14],
    )
