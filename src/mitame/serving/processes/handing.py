"""The configuration on its way from a process to those that it starts."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import msgspec

from mitame.config import ServeConfig
from mitame.errors import UsageError

VARIABLE = "MITAME_SERVE_CONFIG"
"""The environment variable in which a child finds it."""


def to_json(config: ServeConfig) -> str:
    """A configuration as text; the data directory absolute, as a child may run elsewhere."""
    absolute = replace(config, data=config.data.absolute())
    return msgspec.json.encode(absolute, enc_hook=str).decode()


def from_json(text: str) -> ServeConfig:
    """The configuration that `to_json` wrote.

    Raises:
        UsageError: it is something else.
    """
    try:
        return msgspec.json.decode(text, type=ServeConfig, dec_hook=_made)
    except msgspec.DecodeError as error:
        raise UsageError(f"{VARIABLE} can't be read: {error}", remedy="unset it") from error


def handed() -> ServeConfig:
    """The configuration of a process that was started by another one.

    Raises:
        UsageError: none was handed over, or something else.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        raise UsageError(
            f"{VARIABLE} is not set", remedy="this process is started by: mitame serve"
        )
    return from_json(text)


def _made(kind: type, value: Any) -> Any:
    return kind(value)
