"""What somebody has written, as a value of a setting's kind and within its bounds."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TypeAlias

from mitame.collection.paths import check_name
from mitame.configuring.settings import Setting
from mitame.errors import UsageError

Value: TypeAlias = str | Path | int | float | bool | tuple[str, ...]

_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}
_ORIGIN = re.compile(r"https?://[^/?#\s,*]+")
_MOST_TEXT = 4_096


def from_text(setting: Setting, text: str, where: str) -> Value:
    """A value of the environment or of a flag.

    Args:
        setting: whose value it is.
        text: as it was given; several texts with commas between them.
        where: it was given, for messages.

    Raises:
        UsageError: it is no value of this setting.
    """
    if setting.kind == "texts":
        parts = [part.strip() for part in text.split(",")]
        return checked(setting, [part for part in parts if part], where)
    if setting.kind == "flag":
        word = _WORDS.get(text.strip().lower())
        return checked(setting, text if word is None else word, where)
    if setting.kind in ("integer", "number"):
        return checked(setting, _number(setting, text), where)
    return checked(setting, text, where)


def checked(setting: Setting, value: object, where: str) -> Value:
    """A value as TOML has it, of the right kind and within bounds.

    Raises:
        UsageError: it is something else.
    """
    found = _of_kind(setting, value)
    if found is None:
        raise UsageError(f"{where} is {_shown(value)}", remedy=setting.wanted())
    _check_meaning(setting.name, found, where)
    return found


def _of_kind(setting: Setting, value: object) -> Value | None:
    """The value as the field has it; None where it is of another kind or out of bounds."""
    if setting.kind == "flag":
        return value if isinstance(value, bool) else None
    if setting.kind in ("integer", "number"):
        return _within(setting, value)
    if setting.kind == "texts":
        is_list = isinstance(value, list | tuple) and all(map(_is_text, value))
        return tuple(map(str, value)) if is_list and isinstance(value, list | tuple) else None
    if not _is_text(value):
        return None
    return Path(str(value)) if setting.kind == "path" else str(value)


def _is_text(value: object) -> bool:
    is_short = isinstance(value, str | Path) and len(str(value)) <= _MOST_TEXT
    return is_short and "\0" not in str(value)


def _within(setting: Setting, value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if setting.kind == "integer" and not isinstance(value, int):
        return None
    fits = (
        value in setting.choices
        if setting.choices
        else (setting.lowest <= value <= setting.highest)
    )
    if not fits:  # and so is NaN
        return None
    return value if setting.kind == "integer" else float(value)


def _number(setting: Setting, text: str) -> int | float | str:
    """The number that a text is; the text itself where it is none."""
    plain = text.strip()
    if len(plain) > 40 or not plain.isascii():
        return text
    try:
        return int(plain) if setting.kind == "integer" else float(plain)
    except ValueError:
        return text


def _check_meaning(name: str, value: Value, where: str) -> None:
    """What the kind alone does not say."""
    if name == "collection":
        check_name(str(value))
    elif name in ("host", "data") and not str(value).strip():
        raise UsageError(f"{where} is empty", remedy="name one, or leave it out")
    elif name == "cors" and isinstance(value, tuple):
        for origin in value:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise UsageError(
                    f"{where}: {origin!r} is no origin",
                    remedy="write it like https://shop.example, or '*' for all",
                )
    elif name == "proxies" and isinstance(value, tuple):
        for proxy in value:
            _check_network(proxy, where)


def _check_network(text: str, where: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f"{where}: {text!r} is no address",
            remedy="write an address or a network, like 10.0.0.0/8",
        ) from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."
