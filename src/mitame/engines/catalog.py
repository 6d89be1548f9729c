"""Every engine by name. A new engine is one file beside this one and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mitame.engines.exact import ExactEngine
from mitame.engines.protocol import Engine
from mitame.errors import UsageError

ENGINES: Mapping[str, Engine] = MappingProxyType({"exact": ExactEngine()})


def find(name: str) -> Engine:
    """The engine of this name.

    Raises:
        UsageError: no such engine.
    """
    if name not in ENGINES:
        raise UsageError(f"no engine {name!r}", remedy=f"use one of {', '.join(sorted(ENGINES))}")
    return ENGINES[name]
