"""Lists in Redis: a key per item under a version, and one key that names the version to read.

| key | holds |
|---|---|
| ``PREFIX:current`` | the version to read |
| ``PREFIX:VERSION:ITEM`` | the item's list, JSON |
| ``PREFIX:versions`` | set of the versions that there are |
| ``PREFIX:writer`` | held by who is writing |

The new version is written whole, then ``current`` is set, which is one step for every reader. The
old version stays for a while, for those who have just read its name.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any, ClassVar

from mitame.errors import MissingExtra, TargetError, UsageError
from mitame.exchange.neighbors.listing import NeighborsOf
from mitame.exchange.neighbors.target import Address, address

KEPT_SECONDS = 600
"""How long a version stays after it has been replaced."""
_LOCK_SECONDS = 300
"""How long a writer that went away keeps others from writing."""
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60
_BATCH = 500
_PREFIX = re.compile(r"[A-Za-z0-9:_.-]{1,200}")


@dataclass(frozen=True)
class RedisKeys:
    """Keys to be replaced.

    Attributes:
        address: of the server and database.
        prefix: of all keys.
    """

    SCHEMES: ClassVar[tuple[str, ...]] = ("redis", "rediss")
    address: Address
    prefix: str

    @classmethod
    def at(cls, text: str, prefix: str) -> RedisKeys:
        """The keys that an address names with ``?prefix=NAME``.

        Args:
            text: the address.
            prefix: where the address names none.

        Raises:
            UsageError: the address or the prefix can't be one.
        """
        found = address(text, frozenset({"prefix"}))
        wanted = found.own.get("prefix", prefix)
        if not _PREFIX.fullmatch(wanted):
            raise UsageError(
                f"{wanted[:60]!r} can't begin the keys",
                remedy="use up to 200 letters, digits, ':', '_', '.' and '-'",
            )
        return cls(found, wanted)

    @property
    def shown(self) -> str:
        """Where the keys are, without a password."""
        return f"{self.address.shown}, keys {self.prefix}:*"

    def write(self, found: Iterator[NeighborsOf]) -> None:
        """Write the lists under a new version, then have it read.

        Raises:
            TargetError: the server can't be reached, refuses us or is full, or another program
                is writing these keys.
            MissingExtra: the client is not installed.
        """
        driver = _redis()
        try:
            client = driver.Redis.from_url(
                self.address.url,
                socket_connect_timeout=_CONNECT_SECONDS,
                socket_timeout=_ANSWER_SECONDS,
            )
            client.connection_pool.make_connection()  # looks at the address's parameters
        except (ValueError, TypeError) as error:
            raise self.address.error(
                "this is no address of Redis", error, "use redis://:PASSWORD@HOST:PORT/NUMBER"
            ) from None
        try:
            with client:
                self._locked(client, found)
        except (driver.ConnectionError, driver.TimeoutError) as error:
            # The driver's text may have the password, and a chained error would show it.
            raise self._unreachable(error) from None
        except driver.RedisError as error:
            raise self._refused(error) from None

    def _locked(self, client: Any, found: Iterator[NeighborsOf]) -> None:
        lock = client.lock(f"{self.prefix}:writer", timeout=_LOCK_SECONDS)
        if not lock.acquire(blocking=False):
            raise TargetError(
                f"{self.shown}: another program is writing them",
                remedy=f"wait for it; one that died is forgotten after {_LOCK_SECONDS} seconds",
            )
        version = f"{int(time.time())}-{secrets.token_hex(4)}"
        try:
            self._fill(client, lock, version, found)
            client.set(f"{self.prefix}:current", version)
            self._expire(client, lock, keep=version)
        except BaseException:
            self._forget(client, version)
            raise
        finally:
            with suppress(Exception):  # whatever has gone wrong, the lock ends by itself
                lock.release()

    def _fill(self, client: Any, lock: Any, version: str, found: Iterator[NeighborsOf]) -> None:
        client.sadd(f"{self.prefix}:versions", version)
        while batch := list(islice(found, _BATCH)):
            with client.pipeline(transaction=False) as pipeline:
                for each in batch:
                    body = json.dumps([one.to_json() for one in each.neighbors])
                    pipeline.set(f"{self.prefix}:{version}:{each.id}", body)
                pipeline.execute()
            lock.reacquire()  # so that nobody takes us for dead

    def _expire(self, client: Any, lock: Any, keep: str) -> None:
        """Let the keys of all other versions go after a while."""
        for name in client.smembers(f"{self.prefix}:versions"):
            version = name.decode()
            if version != keep:
                for keys in self._keys(client, version):
                    with client.pipeline(transaction=False) as pipeline:
                        for key in keys:
                            pipeline.expire(key, KEPT_SECONDS)
                        pipeline.execute()
                    lock.reacquire()
                client.srem(f"{self.prefix}:versions", version)

    def _forget(self, client: Any, version: str) -> None:
        """Remove what was written in vain, as far as the server lets us; the next write goes on."""
        with suppress(Exception):  # the error that brought us here is the one to be told
            current = client.get(f"{self.prefix}:current")
            if current != version.encode():
                for keys in self._keys(client, version):
                    client.unlink(*keys)
                client.srem(f"{self.prefix}:versions", version)

    def _keys(self, client: Any, version: str) -> Iterator[list[Any]]:
        found = client.scan_iter(match=f"{self.prefix}:{version}:*", count=_BATCH)
        while keys := list(islice(found, _BATCH)):
            yield keys

    def _unreachable(self, error: Exception) -> TargetError:
        return self.address.error(
            "Redis can't be reached, or went away", error, "check host, port, user and password"
        )

    def _refused(self, error: Exception) -> TargetError:
        return self.address.error(
            "Redis refused to write", error, "check its memory limit, and the rights of the user"
        )


def _redis() -> ModuleType:
    try:
        import redis
    except ImportError as error:
        raise MissingExtra("writing to Redis", "redis") from error
    module: ModuleType = redis
    return module
