"""Threads give way soon while a process answers, and as ever afterwards."""

from __future__ import annotations

import sys

import pytest

from mitame.serving.processes.pauses import SWITCH_SECONDS, Pauses


def test_all_is_as_before_in_the_end() -> None:
    """A process that answers no more is one like any other; ending twice does no harm."""
    before = sys.getswitchinterval()
    made = Pauses()
    made.end()
    assert sys.getswitchinterval() == before
    made.begin()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    made.end()
    made.end()
    assert sys.getswitchinterval() == pytest.approx(before)
