"""The settings of a build: known names, right types, sensible ranges, or a clear error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def read(
    engine: str, settings: Mapping[str, Any], own: Mapping[str, Range]
) -> tuple[Common, dict[str, int]]:
    """Common settings, and an engine's own with defaults filled in.

    Raises:
        UsageError: an unknown name, or a value out of range.
    """
    known = {
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
    values = {name: _whole(name, settings, allowed) for name, allowed in known.items()}
    threads = values.pop("threads") or usable_cores()
    common = Common(values.pop("seed"), threads, bool(values.pop("trusted")))
    return common, values


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
