"""Jobs as they are kept: queued once, begun in turn, stopped, put back, given up, forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from mitame.serving.state import State
from mitame.serving.work.kinds import Reporter, Stopped, merge
from mitame.serving.work.queue import ATTEMPTS, Queue
from tests.serving.running_runner import filled


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Queue]:
    state = State(tmp_path)
    yield Queue(state)
    state.close()


def test_a_job_that_kills_its_runner_is_given_up(jobs: Queue) -> None:
    """After three runners it is the job that is at fault, and says so."""
    job = jobs.add("merge", "shop")
    for _ in range(ATTEMPTS):
        assert jobs.get(job.id).state == "queued"
        jobs.take(frozenset())
        jobs.take_over()
    found = jobs.get(job.id)
    assert found.state == "failed"
    assert found.error is not None
    assert found.error["code"] == "runner_died"


def test_stopping_a_runner_puts_its_jobs_back(tmp_path: Path, jobs: Queue) -> None:
    """A reporter whose runner stops ends the job; given back, it counts as not begun."""
    filled(tmp_path)
    job = jobs.add("merge", "shop")
    for _ in range(ATTEMPTS + 1):
        jobs.take(frozenset())
        jobs.give_back(job.id)
        jobs.take_over()
    assert jobs.get(job.id).state == "queued"
    stopping = threading.Event()
    stopping.set()
    with (
        mitame.open(tmp_path, "shop", create=False) as items,
        pytest.raises(Stopped),
    ):
        merge(items, {}, Reporter(jobs, job.id, stopping))


def test_cancelling(tmp_path: Path, jobs: Queue) -> None:
    """One that waits ends at once, one that runs at its next step; the merge goes on later."""
    waiting = jobs.add("merge", "other")
    assert jobs.cancel(waiting.id).state == "cancelled"
    filled(tmp_path)
    job = jobs.add("merge", "shop")
    jobs.take(frozenset())
    assert jobs.cancel(job.id).state == "running"
    reporter = Reporter(jobs, job.id, threading.Event())
    with mitame.open(tmp_path, "shop", create=False) as items:
        with pytest.raises(Stopped):
            merge(items, {}, reporter)
        assert reporter.cancelled
        assert items.store.merge() == 1


def test_the_same_job_is_queued_once(jobs: Queue) -> None:
    """Asking again for what waits already adds nothing; with other arguments it is another."""
    first = jobs.add("merge", "shop", {"keep": 2})
    assert jobs.add("merge", "shop", {"keep": 2}).id == first.id
    assert jobs.add("merge", "shop", {"keep": 3}).id != first.id


def test_old_jobs_are_forgotten(jobs: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that ended too long ago, and the oldest of too many; never one that waits."""
    monkeypatch.setattr("mitame.serving.work.queue.MOST_KEPT", 2)
    done = [jobs.add("merge", str(n)) for n in range(4)]
    for job in done:
        jobs.cancel(job.id)
    waiting = jobs.add("merge", "waiting")
    jobs.forget()
    assert [job.id for job in jobs.newest()] == [waiting.id, done[3].id, done[2].id]
    jobs.forget(age_seconds=-1)
    assert [job.id for job in jobs.newest()] == [waiting.id]


def test_one_job_per_collection_at_a_time(jobs: Queue) -> None:
    """What is busy is passed over, and the next one in line begins."""
    jobs.add("merge", "one")
    other = jobs.add("merge", "two")
    taken = jobs.take(frozenset({"one"}))
    assert taken is not None
    assert taken.id == other.id
    assert jobs.take(frozenset({"one", "two"})) is None
