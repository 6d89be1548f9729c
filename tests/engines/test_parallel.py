"""Work on this thread and on free cores."""

from __future__ import annotations

import threading

import pytest

from mitame.engines import parallel


def test_results_come_in_the_order_of_the_tasks() -> None:
    """Whoever did them, and however many there are."""
    for tasks in ([], [3], list(range(100))):
        assert parallel.each(lambda n: n * n, tasks, 4) == [n * n for n in tasks]


def test_the_callers_thread_does_all_when_one_thread_is_asked_for() -> None:
    """One thread means this one."""
    me = threading.get_ident()
    assert set(parallel.each(lambda _: threading.get_ident(), range(20), 1)) == {me}


def test_a_second_thread_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks that wait for each other both end: they ran at the same time."""
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    monkeypatch.setattr(parallel, "_pool", [])
    both = threading.Barrier(2, timeout=20)
    assert sorted(parallel.each(lambda _: both.wait(), range(2))) == [0, 1]


def test_work_within_work_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of tasks of tasks, with one helper: none waits for a thread that waits for it."""
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    monkeypatch.setattr(parallel, "_pool", [])

    def inner(depth: int) -> int:
        if depth == 0:
            return 1
        return sum(parallel.each(lambda _: inner(depth - 1), range(4)))

    assert inner(4) == 4**4


def test_the_first_failure_is_raised() -> None:
    """No task's error is lost, and the caller gets it as it was."""

    def work(n: int) -> int:
        if n in {3, 7}:
            raise KeyError(n)
        return n

    with pytest.raises(KeyError) as caught:
        parallel.each(work, range(10), 3)
    assert caught.value.args[0] in {3, 7}
    assert parallel.each(lambda n: n, range(3), 3) == [0, 1, 2]
