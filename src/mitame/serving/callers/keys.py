"""Who a key stands for. A change of keys reaches every worker without a restart."""

from __future__ import annotations

import hashlib
import os
import time

from mitame.config import ServeConfig
from mitame.errors import (
    MitameError,
    NotAuthenticated,
    Overloaded,
    TooManyRequests,
    UsageError,
)
from mitame.serving.callers.addresses import household
from mitame.serving.callers.environment_key import environment_key, file_identity
from mitame.serving.callers.exposure import is_loopback
from mitame.serving.callers.key_store import KeyStore, digest_of
from mitame.serving.callers.roles import ANYBODY, NOBODY, Caller, Role
from mitame.serving.callers.shedding import per_minute
from mitame.serving.state import State

FRESH_SECONDS = 0.1
"""A change of keys is noticed within this time."""


class Keys:
    """Who a key stands for. For the event loop's thread.

    Args:
        state: where they are kept.
        config: of the service.

    Raises:
        UsageError: the key of the environment can't be one.
    """

    def __init__(self, state: State, config: ServeConfig) -> None:
        self._state = state
        self._store = KeyStore(state)
        # Decided once: who takes the last key away must not open the door to a network.
        self._keyless = ANYBODY if config.allow_open or is_loopback(config.host) else NOBODY
        self._failures = per_minute(config.limits.failed_keys_per_minute)
        self._version: int | None = None
        self._file: object = None
        self._looked = 0.0
        self._callers: dict[bytes, Caller] = {}
        self._seen: dict[bytes, Caller] = {}  # right keys, so that a hash is taken once of each
        self._look()

    @property
    def any(self) -> bool:
        """Whether there is a key; without one, everybody is let in, or nobody."""
        self._refresh()
        return bool(self._callers)

    def caller(self, key: bytes | None, address: str) -> Caller:
        """Who asks.

        A right key is let in however many wrong ones came from its address before: a client that
        is set up wrongly must not lock out the others behind the same proxy, and 256 random bits
        can't be guessed.

        Args:
            key: as it was sent; None where none was.
            address: of the client.

        Returns:
            `NOBODY` where there are keys and none was sent: open routes are for all.

        Raises:
            NotAuthenticated: a wrong key.
            TooManyRequests: and too many of those from this address.
        """
        self._refresh()
        if not self._callers:
            return self._keyless
        if key is None:
            return NOBODY
        return self._seen.get(key) or self._found(key, address)

    def _found(self, key: bytes, address: str) -> Caller:
        """Who a key stands for that was not seen since the keys changed.

        Neither look-up tells by its time how much of a secret was right: this one compares SHA-256
        sums, the one before finds its entry by a keyed hash of the whole.
        """
        found = self._callers.get(hashlib.sha256(key).digest())
        if found is None:
            raise self._failed(address)
        self._seen[key] = found
        return found

    def _failed(self, address: str) -> NotAuthenticated | TooManyRequests:
        seconds = self._failures.take(household(address))
        if not seconds:
            return NotAuthenticated("the key is not known", remedy="check the key, or ask for one")
        error = TooManyRequests("too many wrong keys came from this address")
        error.seconds = seconds
        return error

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked < FRESH_SECONDS:
            return
        self._looked = now
        try:
            self._look()
        except UsageError:
            return  # the file of the environment's key is away or half written: the older one stays
        except MitameError as error:
            # A key that was taken away must not go on working because nobody can read so.
            raise Overloaded("the keys can't be read at the moment") from error

    def _look(self) -> None:
        """Read again what has changed, or nothing."""
        version = self._state.version()
        file = file_identity(os.environ)
        if version == self._version and file == self._file:
            return
        callers = {key.digest: key.caller for key in self._store.all()}
        secret = environment_key(os.environ)
        if secret is not None:
            callers[digest_of(secret)] = Caller("environment", Role.ADMIN)
        self._callers, self._version, self._file = callers, version, file
        self._seen = {}


def any_keys(state: State) -> bool:
    """Whether there is a key, in the data directory or in the environment.

    Raises:
        UsageError: the key of the environment can't be one.
    """
    return environment_key(os.environ) is not None or bool(KeyStore(state).all())
