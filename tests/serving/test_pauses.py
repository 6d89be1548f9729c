"""What lies about is not gone over again and again, and cycles are still found in the end."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from mitame.serving.processes import pauses
from mitame.serving.processes.pauses import SWITCH_SECONDS, Pauses


class Ring:
    """A cycle."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def short() -> Iterator[Pauses]:
    made = Pauses()
    made.begin()
    yield made
    made.end()
    gc.collect()


def test_what_survives_is_set_aside(short: Pauses) -> None:
    """A full collection leaves nothing to be gone over by the next one."""
    kept = [[] for _ in range(1_000)]  # type: ignore[var-annotated]
    before = gc.get_freeze_count()
    gc.collect()
    assert gc.get_freeze_count() >= before + len(kept)
    assert len(gc.get_objects(generation=2)) < 100


def test_cycles_that_are_garbage_go(short: Pauses) -> None:
    """At the next collection, as ever, where they were never set aside."""
    ring = Ring()
    seen = weakref.ref(ring)
    del ring
    gc.collect()
    assert seen() is None


def test_cycles_that_were_set_aside_go_in_the_end(
    short: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were alive once; now and then everything is gone over."""
    monkeypatch.setattr(pauses, "WHOLE", 4)
    ring = Ring()
    seen = weakref.ref(ring)
    gc.collect()
    del ring
    gc.collect()
    assert seen() is not None  # else this would prove nothing
    for _ in range(4):
        gc.collect()
    assert seen() is None


def test_all_is_as_before_in_the_end() -> None:
    """A process that answers no more is one like any other; ending twice does no harm."""
    switch, callbacks = sys.getswitchinterval(), list(gc.callbacks)
    made = Pauses()
    made.begin()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    made.end()
    made.end()
    assert sys.getswitchinterval() == pytest.approx(switch)
    assert gc.callbacks == callbacks
    assert gc.get_freeze_count() == 0
