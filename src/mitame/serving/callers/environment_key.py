"""The one key that comes from the environment or a file: for containers, which have no commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mitame.errors import UsageError

VARIABLE, FILE_VARIABLE = "MITAME_KEY", "MITAME_KEY_FILE"

_SHORTEST, _LONGEST = 24, 4_096
_MAKE = "make one with: openssl rand -base64 32"


def environment_key(variables: Mapping[str, str]) -> str | None:
    """The key of ``MITAME_KEY``, or in the file that ``MITAME_KEY_FILE`` names; None without.

    Raises:
        UsageError: both are set, the file can't be read, or it can't be a key.
    """
    value, path = variables.get(VARIABLE), variables.get(FILE_VARIABLE)
    if value and path:
        raise UsageError(f"{VARIABLE} and {FILE_VARIABLE} are both set", remedy="set one of them")
    if path:
        return _checked(_content(Path(path)), FILE_VARIABLE)
    return _checked(value, VARIABLE) if value else None


def file_identity(variables: Mapping[str, str]) -> tuple[int, int, int] | None:
    """What changes when the file of ``MITAME_KEY_FILE`` does; None without one."""
    path = variables.get(FILE_VARIABLE)
    if not path:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST + 1).decode("ascii").strip()
    except OSError as error:
        raise UsageError(
            f"{FILE_VARIABLE}: {path} can't be read: {error.strerror}",
            remedy="check the path and its permissions",
        ) from error
    except UnicodeDecodeError:
        raise UsageError(f"{FILE_VARIABLE}: {path} has other than ASCII", remedy=_MAKE) from None


def _checked(key: str, where: str) -> str:
    """The key itself; what is wrong with it is said without showing it."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"the key of {where} has spaces or odd characters in it", remedy=_MAKE)
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise UsageError(
            f"the key of {where} has {len(key):,} characters, not {_SHORTEST} to {_LONGEST:,}",
            remedy=_MAKE,
        )
    return key
