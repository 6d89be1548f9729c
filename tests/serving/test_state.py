"""The file that the service's processes share, and what it costs."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from mitame.serving.state import State


def test_a_thread_that_ends_leaves_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job has a thread of its own: a server that runs for months must not collect them."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counted(*args: object, **named: object) -> sqlite3.Connection:
        opened.append(connect(*args, **named))  # type: ignore[call-overload] # as it was called
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", counted)
    state = State(tmp_path)
    for _ in range(3):
        thread = threading.Thread(target=state.version)
        thread.start()
        thread.join()
    assert len(opened) == 4
    for connection in opened[1:]:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    state.version()
    state.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
