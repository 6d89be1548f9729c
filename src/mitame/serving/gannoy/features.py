"""Bodies with features: decoded quickly, and where that fails, read again to say why."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from mitame.errors import MalformedBody
from mitame.serving.gannoy.json_errors import syntax_message, type_message, wrong_feature
from mitame.serving.gannoy.numbers import in_range
from mitame.wire.gannoy import Features, FeaturesWithKey

_plain = msgspec.json.Decoder(Features).decode
_with_key = msgspec.json.Decoder(FeaturesWithKey).decode
_NOT_READ = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def features(data: bytes) -> list[float]:
    """The features of a PUT's body; empty where there are none.

    Raises:
        MalformedBody: no JSON, or of wrong types.
    """
    try:
        found = _plain(data).features
    except _NOT_READ:
        found = None
    return _features(*_object(data)) if found is None else found


def features_with_key(data: bytes) -> tuple[int, list[float]]:
    """Key, 0 where it is missing, and features of a POST's body.

    Raises:
        MalformedBody: as `features`.
    """
    try:
        sent = _with_key(data)
    except _NOT_READ:
        sent = FeaturesWithKey()
    if sent.features is not None and in_range(sent.key) is not None:
        return sent.key, sent.features
    text, fields = _object(data)
    return _key(text, fields), _features(text, fields)


def _object(data: bytes) -> tuple[str, dict[str, Any]]:
    """The body's text, and its fields by name in small letters: gannoy told no case apart."""
    text = data.decode("utf-8", "replace")
    if not text.strip():
        raise MalformedBody("Request body can't be empty")
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise MalformedBody(syntax_message(error, text)) from None
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"the body can't be read: {error}"[:200]) from None
    if found is None:
        return text, {}
    if not isinstance(found, dict):
        raise MalformedBody(type_message("object", found, len(text)))
    return text, {name.lower(): value for name, value in found.items()}


def _features(text: str, fields: Mapping[str, Any]) -> list[float]:
    found = fields.get("features")
    if found is None:
        return []
    if not isinstance(found, list):
        raise MalformedBody(type_message("[]float64", found, len(text)))
    for place, value in enumerate(found):
        if not _is_float64(value):
            raise MalformedBody(wrong_feature(text, place, value))
    return [float(value) for value in found]


def _key(text: str, fields: Mapping[str, Any]) -> int:
    found = fields.get("key")
    if found is None:
        return 0
    if isinstance(found, bool) or not isinstance(found, int) or in_range(found) is None:
        raise MalformedBody(type_message("int", found, len(text)))
    return found


def _is_float64(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
