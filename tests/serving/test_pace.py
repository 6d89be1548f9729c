"""Whether a lens is quick enough for the event loop, by what its searches took."""

from __future__ import annotations

import math
import time

import pytest

from mitame.serving.product import pace
from mitame.serving.product.pace import AT_ONCE, Pace, Stopwatch


def test_pace() -> None:
    """Unknown is not quick; a stall alone does not end it, several do; it is measured again."""
    now = [0.0]
    one = Pace(lambda: now[0])
    assert not one.is_quick
    assert one.is_due
    one.measured(AT_ONCE / 4)
    assert one.is_quick
    assert not one.is_due
    one.took(AT_ONCE / 4, 10.0)
    assert one.is_quick
    for _ in range(50):
        one.took(AT_ONCE / 4, 10.0)
    assert not one.is_quick
    assert not one.is_due
    now[0] = 11.0
    assert one.is_due


def test_only_the_disk_counts_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a core that others use would wait for it on a thread, too."""
    reads = [5.0]
    monkeypatch.setattr(pace, "disk_reads", lambda: reads[0])
    watch = Stopwatch()
    time.sleep(0.02)
    assert watch.read()[1] == 0.0
    reads[0] = 6.0
    working, waiting = watch.read()
    assert waiting >= 0.015
    assert working < 0.015
    reads[0] = math.nan  # a system that does not say: all waiting counts
    watch = Stopwatch()
    time.sleep(0.02)
    assert watch.read()[1] >= 0.015


def test_pages_from_the_disk_are_counted() -> None:
    """The system's count never falls; where there is none, it is never the same twice."""
    before, after = pace.disk_reads(), pace.disk_reads()
    assert after >= before or math.isnan(before)
