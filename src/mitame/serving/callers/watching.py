"""All connections of a worker, looked at now and then: who is too slow has to go.

One timer for all of them instead of several per request: so a bound costs a request nothing, and
ends what is too slow up to a second late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from mitame.config import MB, LimitsConfig
from mitame.errors import MitameError

KB = 1_000


class Watched(Protocol):
    """A connection that can be looked at."""

    @property
    def idle_since(self) -> float | None:
        """When it began to wait for its client's headers; None where something is answered."""

    def look(self, now: float) -> None:
        """End it where it is too slow."""

    def give_way(self) -> None:
        """End it: another one needs its place, and nothing is lost by it."""


@dataclass(frozen=True)
class Refusal:
    """A request that its connection has refused, for whoever counts and logs.

    Attributes:
        error: why.
        request_id: as in the answer.
        size: bytes of the answer's body; 0 where the connection ended without an answer.
        seconds: since it began to come.
        address: of the connection's other end.
        is_known: the application has begun to answer it, so that it counts and logs it itself.
    """

    error: MitameError
    request_id: str
    size: int
    seconds: float
    address: str
    is_known: bool


OnRefused: TypeAlias = Callable[[Refusal], None]


class Watch:
    """What the connections of a worker share.

    Args:
        limits: bounds on everything that comes from outside.
        on_refused: told of each request that is refused here.

    Attributes:
        held: bytes of bodies that have come for requests that are not answered yet.
    """

    def __init__(self, limits: LimitsConfig, on_refused: OnRefused) -> None:
        self.limits = limits
        self.on_refused = on_refused
        self.held = 0
        self._connections: set[Watched] = set()
        self._every = min(1.0, limits.read_seconds / 4)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether bodies take all the memory that they may."""
        return self.held > self.limits.bodies_mb * MB

    def seconds_for(self, size: int) -> float:
        """How long so many bytes may be under way, at the slowest rate that is borne."""
        return self.limits.read_seconds + size / (self.limits.slowest_kb_per_second * KB)

    def add(self, connection: Watched, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there is room for a connection; then it is looked at from now on.

        Where all places are taken, the one that has waited the longest for its client goes: so
        those who open connections and say nothing keep nobody out.
        """
        if len(self._connections) >= self.limits.connections:
            waiting = [each for each in self._connections if each.idle_since is not None]
            if not waiting:
                return False
            longest = min(waiting, key=lambda each: each.idle_since or 0.0)
            self._connections.discard(longest)
            longest.give_way()
        self._connections.add(connection)
        if self._timer is None:
            self._timer = loop.call_later(self._every, self._look, loop)
        return True

    def remove(self, connection: Watched) -> None:
        """It is closed."""
        self._connections.discard(connection)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            connection.look(now)
        again = bool(self._connections)
        self._timer = loop.call_later(self._every, self._look, loop) if again else None
