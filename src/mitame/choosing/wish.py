"""What is wished for, and the sizes and times in which people say it. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mitame.errors import UsageError

MAX_K = 1_000
_SIZES = {
    "": 1,
    "b": 1,
    **{f"{p}b": 1_000**n for n, p in enumerate("kmgt", 1)},
    **{p: 1_000**n for n, p in enumerate("kmgt", 1)},
    **{f"{p}ib": 1_024**n for n, p in enumerate("kmgt", 1)},
}
_TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0}
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([a-z]*)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """What an index must do, the quickest of those that do it being the best.

    Attributes:
        recall: share of the true k nearest that are found, above 0, at most 1.
        k: how many neighbours, 1 to 1,000.
        memory: at most so many bytes beside the vectors; any number where None.
        latency: 99 of 100 queries take at most so many seconds; any where None.

    Raises:
        UsageError: a value out of range.
    """

    recall: float = 0.95
    k: int = 10
    memory: int | None = None
    latency: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.recall <= 1:
            raise UsageError(f"recall is {self.recall}", remedy="use more than 0, at most 1")
        if not 1 <= self.k <= MAX_K:
            raise UsageError(f"k is {self.k}", remedy=f"use 1 to {MAX_K}")
        if self.memory is not None and self.memory < 0:
            raise UsageError(f"memory is {self.memory}", remedy="give bytes, or 2GB")
        if self.latency is not None and not self.latency > 0:
            raise UsageError(f"latency is {self.latency}", remedy="give seconds, or 1ms")


def parse_size(text: str) -> int:
    """Bytes of a size such as ``2GB``, ``500 MB``, ``1.5GiB`` or ``1000000``.

    Raises:
        UsageError: it is none.
    """
    number, unit = _quantity(text, "a size", "2GB, 500MB or 1GiB")
    if unit not in _SIZES:
        raise _unknown_unit(text, "a size", "2GB, 500MB or 1GiB")
    return int(number * _SIZES[unit])


def parse_seconds(text: str) -> float:
    """Seconds of a time such as ``1ms``, ``500us``, ``90s``, ``2m`` or ``1h``.

    Raises:
        UsageError: it is none, or zero.
    """
    number, unit = _quantity(text, "a time", "1ms, 90s or 2m")
    if unit not in _TIMES or number == 0:
        raise _unknown_unit(text, "a time", "1ms, 90s or 2m")
    return number * _TIMES[unit]


def _quantity(text: str, what: str, such_as: str) -> tuple[float, str]:
    found = _QUANTITY.fullmatch(text)
    if not found or not math.isfinite(number := float(found[1])) or number > 1e15:
        raise _unknown_unit(text, what, such_as)
    return number, found[2].lower()


def _unknown_unit(text: str, what: str, such_as: str) -> UsageError:
    return UsageError(f"{text[:40]!r} is not {what}", remedy=f"write it like {such_as}")


def size_text(count: int) -> str:
    """Bytes for people: ``340 MB``."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return (
                f"{count / size:.3g} {unit}" if count < 1_000 * size else f"{count // size} {unit}"
            )
    return f"{count} bytes"


def time_text(seconds: float) -> str:
    """A time for people: ``1.2 ms``."""
    if seconds >= 60:
        return f"{seconds / 60:.3g} min"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
