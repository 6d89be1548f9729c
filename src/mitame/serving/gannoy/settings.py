"""The keys of gannoy-db's TOML file, in the words of `mitame.config.ServeConfig`.

| gannoy-db | here |
|---|---|
| ``data-dir`` | ``data`` |
| ``log-dir`` | ``access_log``, the file ``gannoy-db.log`` in it |
| ``timeout`` | ``grace_seconds``; ``limits.answer_seconds`` beside a ``shutdown-timeout`` |
| ``shutdown-timeout`` | ``grace_seconds`` |
| ``max-connections`` | ``limits.connections`` |
| ``thread`` | ``threads`` |
| ``lock-dir``, ``server-starter`` | nothing: no lock is needed, sockets handed over are found |

Pure: no clock, disk, network or threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mitame.errors import UsageError

PORT = 1323
LOG_FILE = "gannoy-db.log"
_MOST = 1_000_000
_TEXTS = frozenset({"data-dir", "log-dir", "lock-dir"})
_NUMBERS = frozenset({"timeout", "shutdown-timeout", "max-connections", "thread"})
_FLAGS = frozenset({"server-starter"})
KEYS = _TEXTS | _NUMBERS | _FLAGS


def gannoy_settings(table: Mapping[str, object]) -> dict[str, object]:
    """A gannoy-db configuration as fields of ServeConfig, those of ``limits`` in a table of it.

    Args:
        table: what the TOML file says. Keys that are not gannoy's are handed on as they are; where
            one of them says the same as one of gannoy's, it counts.

    Raises:
        UsageError: a value of another type, or out of range.
    """
    given = {name: _checked(name, table[name]) for name in sorted(KEYS & table.keys())}
    own = {name: value for name, value in table.items() if name not in KEYS}
    limits = {**_limits(given), **_table(own.pop("limits", {}))}
    found = {"gannoy": True, "port": PORT, **_fields(given), **own}
    return {**found, "limits": limits} if limits else found


def _fields(given: Mapping[str, Any]) -> dict[str, object]:
    fields: dict[str, object] = {}
    if "data-dir" in given:
        fields["data"] = Path(given["data-dir"])
    if given.get("log-dir"):
        fields["access_log"] = str(Path(given["log-dir"]) / LOG_FILE)
    if "thread" in given:
        fields["threads"] = given["thread"]
    grace = given.get("shutdown-timeout", given.get("timeout"))
    if grace is not None:
        fields["grace_seconds"] = grace
    return fields


def _limits(given: Mapping[str, Any]) -> dict[str, object]:
    limits: dict[str, object] = {}
    if "max-connections" in given:
        limits["connections"] = given["max-connections"]
    if "timeout" in given and "shutdown-timeout" in given:  # only the later gannoy had both
        limits["answer_seconds"] = given["timeout"]
    return limits


def _checked(name: str, value: object) -> object:
    if name in _TEXTS:
        fits, wanted = isinstance(value, str), "text in quotes"
    elif name in _FLAGS:
        fits, wanted = isinstance(value, bool), "true or false"
    else:
        fits, wanted = _is_count(value), f"a whole number from 1 to {_MOST:,}"
    if not fits:
        raise UsageError(f"{name} has a value that can't be", remedy=f"write {wanted}")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise UsageError("limits is no table", remedy="write it as [limits]")
    return value
