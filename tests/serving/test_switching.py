"""Threads give way soon while a process answers, and as ever afterwards."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.types import Message

from mitame.config import ServeConfig
from mitame.serving.app import Application
from mitame.serving.processes.switching import SECONDS, quick_switching, seldom_collecting


def test_all_is_as_before_in_the_end() -> None:
    """A process that answers no more is one like any other, whatever ended it."""
    before = sys.getswitchinterval()
    with quick_switching():
        assert sys.getswitchinterval() == pytest.approx(SECONDS)
    assert sys.getswitchinterval() == pytest.approx(before)
    with suppress(ZeroDivisionError), quick_switching():
        raise ZeroDivisionError
    assert sys.getswitchinterval() == pytest.approx(before)


def test_garbage_is_looked_for_as_before_in_the_end() -> None:
    """What was there is passed over in the block, and not afterwards."""
    gc.unfreeze()
    before = gc.get_threshold()
    with suppress(ZeroDivisionError), seldom_collecting():
        assert gc.get_threshold()[0] > before[0]
        assert gc.get_freeze_count() > 1_000
        raise ZeroDivisionError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_an_application_switches_quickly(tmp_path: Path) -> None:
    """From its startup to its shutdown."""
    before, seen = sys.getswitchinterval(), []
    young, seen_young = gc.get_threshold()[0], []
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        seen.append(sys.getswitchinterval())
        seen_young.append(gc.get_threshold()[0])
        return {"type": next(events)}

    async def send(_: Message) -> None:
        """What it says is other tests' affair."""

    application = Application(ServeConfig(tmp_path, merge=False))
    asyncio.run(application({"type": "lifespan"}, receive, send))
    assert seen == [pytest.approx(before), pytest.approx(SECONDS)]
    assert seen_young[0] == young < seen_young[1]
    assert gc.get_threshold()[0] == young
    assert sys.getswitchinterval() == pytest.approx(before)
