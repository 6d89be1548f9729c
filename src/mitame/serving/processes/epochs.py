"""A reading of the configuration, checked, with the sockets that belong to it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mitame.config import ServeConfig
from mitame.errors import MitameError
from mitame.serving.callers.exposure import check_exposure, is_loopback
from mitame.serving.callers.keys import any_keys
from mitame.serving.processes.sockets import host_of, listening, url_of
from mitame.serving.state import State


@dataclass(frozen=True, eq=False)
class Epoch:
    """What all processes that were started from one reading of the configuration share.

    Attributes:
        config: as they get it; its host is the one that is really listened on.
        sockets: that they listen on.
        address: that was configured.
        has_keys: whether there was a key then.
    """

    config: ServeConfig
    sockets: tuple[socket.socket, ...]
    address: tuple[str, int]
    has_keys: bool

    def urls(self) -> list[str]:
        """Where it answers."""
        return [url_of(each) for each in self.sockets]

    def close(self, but: Epoch | None = None) -> None:
        """Close its sockets, but for those of another one."""
        for each in self.sockets:
            if but is None or each not in but.sockets:
                each.close()


def epoch_of(
    config: ServeConfig, handed: Sequence[socket.socket] = (), older: Epoch | None = None
) -> Epoch:
    """Check a configuration and listen.

    Args:
        config: that was read.
        handed: sockets that whoever started this process has opened; its own are opened without.
        older: whose sockets are kept, where the address is the same.

    Raises:
        UsageError: it would listen beyond this machine, without a key.
        CannotListen: it can't listen there.
        StorageError, NewerFormat: the data directory can't be used.
    """
    has_keys = _has_keys(config)
    address = (config.host, config.port)
    if handed:
        sockets = tuple(handed)
    elif older is not None and older.address == address:
        sockets = older.sockets
    else:
        check_exposure(config, has_keys=has_keys)
        sockets = (listening(config),)
    hosts = [host_of(each) for each in sockets]
    try:
        for host in hosts:
            check_exposure(config, has_keys=has_keys, host=host)
    except MitameError:
        for each in sockets:
            if older is None or each not in older.sockets:
                each.close()
        raise
    # Workers decide by it who is let in without a key: the one that reaches farthest.
    host = next((each for each in hosts if not is_loopback(each)), hosts[0])
    return Epoch(replace(config, host=host), sockets, address, has_keys)


def _has_keys(config: ServeConfig) -> bool:
    state = State(config.data)
    try:
        return any_keys(state)
    finally:
        state.close()
