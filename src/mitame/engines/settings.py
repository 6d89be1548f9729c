"""The settings of a build: known names, right types, sensible ranges, or a clear error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from mitame.distances import Distance, check_distance, check_vectors
from mitame.engines.protocol import Abilities, Rows
from mitame.errors import UsageError


@dataclass(frozen=True)
class Common:
    """Settings that every engine has.

    Attributes:
        seed: of all that is random in a build.
        threads: at least 1.
        trusted: rows are known to be finite and, for cosine, of length 1.
    """

    seed: int
    threads: int
    trusted: bool


@dataclass(frozen=True)
class Range:
    """A whole number among an engine's own settings.

    Attributes:
        default: what it is when left out.
        least, most: what it may be.
    """

    default: int
    least: int
    most: int


@dataclass(frozen=True)
class Word:
    """One of some words among an engine's own settings.

    Attributes:
        default: what it is when left out.
        words: what it may be; any word of at most 40 characters where empty.
    """

    default: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nested:
    """Settings of another engine among an engine's own; empty when left out."""


Allowed: TypeAlias = Range | Word | Nested
_LONGEST_WORD = 40
_DEEPEST = 4
"""Settings within settings; an engine of parts may have itself as its parts' engine."""


def read(
    engine: str, settings: Mapping[str, Any], own: Mapping[str, Allowed]
) -> tuple[Common, dict[str, Any]]:
    """Common settings, and an engine's own with defaults filled in.

    Raises:
        UsageError: an unknown name, a value out of range, or of another type.
    """
    known: dict[str, Allowed] = {
        "seed": Range(0, 0, 2**31 - 1),
        "threads": Range(0, 0, 1_024),
        "trusted": Range(0, 0, 1),
        **own,
    }
    for name in settings:
        if name not in known:
            raise UsageError(
                f"engine {engine!r} has no setting {name!r}",
                remedy=f"it has: {', '.join(sorted(known))}",
            )
    values = {name: _value(name, settings, allowed) for name, allowed in known.items()}
    threads = values.pop("threads") or usable_cores()
    common = Common(values.pop("seed"), threads, bool(values.pop("trusted")))
    return common, values


def _value(name: str, settings: Mapping[str, Any], allowed: Allowed) -> Any:
    if isinstance(allowed, Word):
        return _word(name, settings, allowed)
    if isinstance(allowed, Nested):
        return _nested(name, settings)
    return _whole(name, settings, allowed)


def _word(name: str, settings: Mapping[str, Any], allowed: Word) -> str:
    value = settings.get(name, allowed.default)
    if isinstance(value, str) and (
        value in allowed.words or (not allowed.words and 0 < len(value) <= _LONGEST_WORD)
    ):
        return value
    raise UsageError(
        f"setting {name} is {value!r:.60}",
        remedy=f"use one of {', '.join(allowed.words)}" if allowed.words else "use a name",
    )


def _nested(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    value = settings.get(name, {})
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(
            f"setting {name} is {value!r:.60}", remedy="give names of settings with their values"
        )
    if _depth(value, _DEEPEST) > _DEEPEST:
        raise UsageError(f"setting {name} is nested too deep", remedy=f"{_DEEPEST} times at most")
    return dict(value)


def _depth(value: Any, most: int) -> int:
    """Mappings within mappings; counted up to one more than `most`."""
    if most < 0 or not isinstance(value, Mapping):
        return 0
    return 1 + max((_depth(inner, most - 1) for inner in value.values()), default=0)


def _whole(name: str, settings: Mapping[str, Any], allowed: Range) -> int:
    value = settings.get(name, allowed.default)
    if not isinstance(value, int | np.integer) or not allowed.least <= value <= allowed.most:
        raise UsageError(
            f"setting {name} is {value!r}",
            remedy=f"use a whole number from {allowed.least} to {allowed.most}",
        )
    return int(value)


def check_rows(
    vectors: Rows, distance: str, abilities: Abilities, common: Common
) -> tuple[Rows, Distance]:
    """The rows and the distance of a build, when an engine can use them.

    Raises:
        InvalidVector: not a finite array of rows.
        UsageError: a distance that the engine doesn't have.
    """
    known = check_distance(distance)
    if known not in abilities.distances:
        has = ", ".join(sorted(abilities.distances))
        raise UsageError(f"this engine can't index by {known}", remedy=f"it can by {has}")
    if not common.trusted:
        shape = np.shape(vectors)
        vectors = check_vectors(vectors, shape[1] if len(shape) == 2 else 0)
    return np.asarray(vectors), known


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
