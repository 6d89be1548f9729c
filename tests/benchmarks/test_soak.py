"""The soak's judgement: what counts as growth, and what as a failure."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.serving.soak import Seen, open_files, own_memory, report
from benchmarks.serving.soak_asks import Ask
from benchmarks.serving.soak_load import ABSENT, PUT_OFF, Client

FLAT = [Seen((100, 50), (10, 5), (1, 2))] * 8


def client(*failures: str) -> Client:
    """One that has asked for everything some times."""
    made = Client(1, 0, 10, 0)
    made.counts.update(dict.fromkeys(made.kinds, 100))
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


def test_what_is_put_off_or_never_answered_is_told() -> None:
    """One of a hundred may be put off, no more; every kind must be answered once, and a reload must
    replace all processes."""
    made = client()
    asked = made.counts.total()
    made.counts[PUT_OFF] = asked // 100
    assert report(FLAT, [made], 1.0) == 0
    made.counts[PUT_OFF] = asked // 50
    assert report(FLAT, [made], 1.0) == 1
    for kind in made.kinds:
        one = client()
        del one.counts[kind]
        assert report(FLAT, [one], 1.0) == 1, kind
        assert report(FLAT, [one, client()], 1.0) == 0, kind
    assert report(FLAT, [client()], 1.0, have_reloaded=False) == 1


def test_what_an_answer_counts_as() -> None:
    """Put off, absent, right or a failure; one that is asked again must be answered the same."""
    made = Client(1, 0, 10, 0)
    ask = Ask("GET", "/x", absent=(404,))
    for status in (200, 404, 503, 429, 500, 204, 409):
        made.take("similar", ask, status, b"body")
    assert dict(made.counts) == {"similar": 1, ABSENT: 1, PUT_OFF: 2}
    assert [text.split()[1] for text in made.failures] == ["500", "204", "409"]
    again = replace(ask, same_as=b"body")
    made.take("once", again, 200, b"body")
    made.take("once", again, 200, b"other")
    assert made.counts["once"] == 1
    assert made.failures[-1].startswith("once: 200")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_a_process_is_measured() -> None:
    """Files that are opened are counted, memory is more than nothing, and what has gone is 0."""
    before = open_files(os.getpid())
    with Path(__file__).open():
        assert open_files(os.getpid()) == before + 1
    assert own_memory(os.getpid()) > 1_000_000
    assert own_memory(2**30) == open_files(2**30) == 0
