"""Long work: asked for by a worker, done by the runner's process, seen by all."""

from __future__ import annotations

from mitame.serving.state import State


class Jobs:
    """The jobs of a data directory.

    Args:
        state: where they are kept.
    """

    def __init__(self, state: State) -> None:
        self._state = state
