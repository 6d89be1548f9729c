"""Keys at rest: names, roles, scopes and hashes; made once, shown once.

A key is 256 random bits, so a plain SHA-256 of it can't be turned round by trying: the slow, salted
hashes that passwords need would protect nothing here, and cost every request.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mitame.collection.paths import check_name
from mitame.errors import UsageError
from mitame.serving.callers.roles import Caller, Role
from mitame.serving.state import State

PREFIX = "mitame_"
"""How every key begins, so that scanners for leaked secrets can find one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST = 10_000


@dataclass(frozen=True)
class Key:
    """What is kept of a key.

    Attributes:
        name: of the one who uses it; appears in logs.
        role: the most that it may do.
        collections: that it may touch; all where None.
        created: in seconds since 1970.
        digest: SHA-256 of the secret.
    """

    name: str
    role: Role
    collections: frozenset[str] | None
    created: int
    digest: bytes

    @property
    def caller(self) -> Caller:
        """Who asks with it."""
        return Caller(self.name, self.role, self.collections)


class KeyStore:
    """The keys of a data directory.

    Args:
        state: where they are kept.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> list[Key]:
        """Every key, by name."""
        rows = self._state.read("SELECT name, role, collections, created, hash FROM keys")
        return sorted(map(_key, rows), key=lambda key: key.name)

    def add(self, name: str, role: Role, collections: Sequence[str] | None = None) -> str:
        """Make a key.

        Args:
            name: of the one who uses it.
            role: the most that it may do.
            collections: that it may touch; all where None. They need not exist yet.

        Returns:
            The secret. Nobody can find it again.

        Raises:
            UsageError: the name is taken or can't be one, or there are 10,000 keys.
        """
        scope = None if collections is None else json.dumps(sorted(map(check_name, collections)))
        secret = new_secret()
        values = (_checked(name), digest_of(secret), int(role), scope, int(time.time()))
        with self._state.write() as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM keys")}
            if name in names:
                raise UsageError(
                    f"there is a key {name!r} already",
                    remedy="choose another name, or: mitame keys rotate",
                )
            if len(names) >= _MOST:
                raise UsageError(f"there are {_MOST:,} keys", remedy="remove some first")
            connection.execute(
                "INSERT INTO keys (name, hash, role, collections, created) VALUES (?, ?, ?, ?, ?)",
                values,
            )
        return secret

    def rotate(self, name: str) -> str:
        """A new secret for a name; the older one is worth nothing from now on.

        Raises:
            UsageError: there is no such key.
        """
        secret = new_secret()
        with self._state.write() as connection:
            changed = connection.execute(
                "UPDATE keys SET hash = ?, created = ? WHERE name = ?",
                (digest_of(secret), int(time.time()), name),
            ).rowcount
        if not changed:
            raise _unknown(name)
        return secret

    def remove(self, name: str) -> int:
        """Take a key away.

        Returns:
            How many are left.

        Raises:
            UsageError: there is no such key.
        """
        with self._state.write() as connection:
            changed = connection.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount
            left: int = connection.execute("SELECT count(*) FROM keys").fetchone()[0]
        if not changed:
            raise _unknown(name)
        return left


@contextlib.contextmanager
def opened(data: Path) -> Iterator[KeyStore]:
    """The keys of a data directory, for as long as the block runs.

    Raises:
        StorageError: the directory can't be made or written to.
    """
    state = State(data)
    try:
        yield KeyStore(state)
    finally:
        state.close()


def new_secret() -> str:
    """A key that nobody has had before."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """What is kept and compared in place of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def _key(row: tuple[object, ...]) -> Key:
    name, role, scope, created, digest = cast("tuple[str, int, str | None, int, bytes]", row)
    collections = None if scope is None else frozenset(json.loads(scope))
    return Key(name, Role(role), collections, created, digest)


def _checked(name: str) -> str:
    if _NAME.fullmatch(name):
        return name
    raise UsageError(
        f"{name[:100]!r} can't be the name of a key",
        remedy="use up to 64 letters, digits, '.', '_' and '-'",
    )


def _unknown(name: str) -> UsageError:
    return UsageError(f"no key {name[:100]!r}", remedy="list them with: mitame keys list")
