"""Addresses of servers to write to, and what goes wrong there, without anybody's password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from mitame.errors import TargetError, UsageError

SCHEMES = ("postgresql", "postgres", "redis", "rediss")
_LONGEST = 2_048


def is_address(text: str) -> bool:
    """Whether it is an address rather than a path."""
    return "://" in text


def scheme_of(text: str) -> str:
    """The scheme of an address, in small letters."""
    return text.partition("://")[0].lower()


@dataclass(frozen=True)
class Address:
    """A server's address.

    Attributes:
        url: as its driver takes it; has the password.
        shown: host, port and path alone.
        own: the parameters that are ours, by name.
        secrets: what must not be shown.
    """

    url: str
    shown: str
    own: Mapping[str, str]
    secrets: tuple[str, ...]

    def hidden(self, text: object) -> str:
        """A driver's message in one line, without secrets."""
        line = " ".join(str(text).split())
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line[:300]

    def error(self, what: str, cause: object, remedy: str) -> TargetError:
        """The error that says what went wrong there."""
        return TargetError(f"{self.shown}: {what} ({self.hidden(cause)})", remedy=remedy)


def address(text: str, own: frozenset[str]) -> Address:
    """An address taken apart.

    Args:
        text: ``SCHEME://USER:PASSWORD@HOST:PORT/PATH?PARAMETERS``.
        own: parameters that are ours; the driver does not get them.

    Raises:
        UsageError: it can't be one. The message does not have it, as it may have a password.
    """
    try:
        parts = urlsplit(text)
        host, port, password = parts.hostname or "", parts.port, parts.password
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise UsageError(
            "the address after --to can't be read",
            remedy="write signs in the password as %XX: SCHEME://USER:PASSWORD@HOST:PORT/NAME",
        ) from None
    if parts.scheme not in SCHEMES or len(text) > _LONGEST:
        raise UsageError(
            f"nothing can be written to addresses of {parts.scheme[:20]!r}",
            remedy="use postgresql://, redis:// or a file .parquet, .jsonl, .csv",
        )
    mine = {name: value for name, value in pairs if name in own}
    rest = urlencode([(name, value) for name, value in pairs if name not in own])
    told = [value for name, value in pairs if name == "password"]
    secrets = [password, unquote(password)] if password else []
    shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
    url = urlunsplit((parts.scheme, parts.netloc, parts.path, rest, ""))
    return Address(url, shown, mine, tuple(sorted({*secrets, *told} - {""}, key=len, reverse=True)))
