"""Whether a lens is quick enough for the event loop, by what its searches took."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

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


def test_how_many_fit() -> None:
    """At least one, whatever is known; all where there is time for all."""
    one = Pace()
    assert one.fitting(0.008, 64) == 1
    one.measured(0.001)
    assert [one.fitting(0.008, most) for most in (1, 8, 9, 64)] == [1, 8, 8, 8]
    one.measured(0.0)
    assert one.fitting(0.008, 64) == 64
    one.measured(0.1)
    assert one.fitting(0.008, 64) == 1


def test_only_the_disk_counts_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a core that others use would wait for it on a thread, too."""
    wall, worked, reads = [10.0], [1.0], [5.0]
    monkeypatch.setattr(pace, "disk_reads", lambda: reads[0])
    monkeypatch.setattr(time, "perf_counter", lambda: wall[0])
    monkeypatch.setattr(time, "thread_time", lambda: worked[0])
    watch = Stopwatch()
    wall[0], worked[0] = 10.5, 1.1
    assert watch.read() == pytest.approx((0.1, 0.0))
    reads[0] = 6.0
    assert watch.read() == pytest.approx((0.1, 0.4))
    reads[0] = math.nan  # a system that does not say: all waiting counts
    watch = Stopwatch()
    wall[0] = 11.0
    assert watch.read() == pytest.approx((0.0, 0.5))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a file's reading takes")
def test_reading_from_the_disk_is_counted(tmp_path: Path) -> None:
    """What is not in memory, and what is."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * (4 << 20))
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before = pace.disk_reads()
        os.pread(opened.fileno(), 4 << 20, 0)
        read = pace.disk_reads()
        os.pread(opened.fileno(), 4 << 20, 0)
        if read == before:
            pytest.skip("this file system keeps files in memory")
        assert pace.disk_reads() == read
