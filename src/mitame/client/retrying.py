"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from mitame.client.failures import wait_of
from mitame.client.request import Reply
from mitame.errors import UsageError

_BUSY = (429, 503)
_IN_FLIGHT = 409
"""With ``Retry-After``: the first try of this very request is still worked on."""


@dataclass(frozen=True)
class Retrying:
    """How often, and how long between two tries.

    The pause is drawn from 0 to twice as long each time ("full jitter"), so that clients that
    failed together do not come back together; at least what the server asks for.

    Attributes:
        retries: after the first try.
        first: seconds that the first pause takes at most.
        longest: seconds that any pause takes at most; where the server asks for more, the error is
            the caller's.
        draw: a number from 0 to 1.
    """

    retries: int = 4
    first: float = 0.2
    longest: float = 20.0
    draw: Callable[[], float] = field(default=random.random)

    def __post_init__(self) -> None:
        if self.retries < 0 or not 0 <= self.first <= self.longest:
            raise UsageError(f"retries is {self.retries}", remedy="give 0 or more")

    def pause(self, tried: int, reply: Reply | None) -> float | None:
        """Seconds until the next try; None where there is none.

        Args:
            tried: how often it was sent, from 1.
            reply: what came back; None where nothing did.
        """
        if tried > self.retries:
            return None
        asked = None if reply is None else wait_of(reply.headers)
        if reply is not None and not self._is_busy(reply, asked):
            return None
        drawn = self.draw() * min(self.longest, self.first * 2.0 ** (tried - 1))
        wait = max(drawn, asked or 0.0)
        return wait if wait <= self.longest else None

    def _is_busy(self, reply: Reply, asked: float | None) -> bool:
        return reply.status in _BUSY or (reply.status == _IN_FLIGHT and asked is not None)
