"""The soak's judgement: what counts as growth, and what as a failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.serving.soak import Seen, open_files, own_memory, report
from benchmarks.serving.soak_load import Client

FLAT = [Seen((100, 50), (10, 5), (1, 2))] * 8


def client(*failures: str) -> Client:
    """One that has asked twice."""
    made = Client(1, 0, 10, 0)
    made.counts["similar"] = 2
    made.failures = list(failures)
    return made


def later(seen: Seen) -> list[Seen]:
    """Flat, and something else at the last moment."""
    return [*FLAT[:-1], seen]


@pytest.mark.parametrize(
    ("seen", "failures", "status"),
    [
        (FLAT, (), 0),
        (FLAT, ("similar: 500",), 1),
        (later(Seen((106, 51), (10, 5), (1, 2))), (), 0),
        (later(Seen((106, 53), (10, 5), (1, 2))), (), 1),
        ([*FLAT[:-2], *[Seen((100, 50), (18, 5), (1, 2))] * 2], (), 0),
        ([*FLAT[:-2], *[Seen((100, 50), (18, 6), (1, 2))] * 2], (), 1),
        (later(Seen((100, 50), (99, 6), (1, 2))), (), 0),
        (later(Seen((100, 50), (10, 5), (1, 3))), (), 1),
        ([Seen((900, 900), (99, 99), (1, 2))] * 2 + FLAT[2:], (), 0),
    ],
)
def test_what_holds(seen: list[Seen], failures: tuple[str, ...], status: int) -> None:
    """Growth, a failed request and a process that died are told; warming up is none of them."""
    assert report(seen, [client(*failures)], 1.0) == status


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_a_process_is_measured() -> None:
    """Files that are opened are counted, memory is more than nothing, and what has gone is 0."""
    before = open_files(os.getpid())
    with Path(__file__).open():
        assert open_files(os.getpid()) == before + 1
    assert own_memory(os.getpid()) > 1_000_000
    assert own_memory(2**30) == open_files(2**30) == 0
