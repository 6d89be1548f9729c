"""What was measured of indexes: plain numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Point:
    """An index searched with one effort, one query after another.

    Attributes:
        effort: 0 to 1.
        recall: 0 to 1, of the k that were wished for.
        cpu_seconds: processor time of one query, over all threads.
        wall_seconds: time of one query.
        p50, p99: seconds within which half, and 99 of 100, of the queries were answered.
        queries: how many were asked.
    """

    effort: float
    recall: float
    cpu_seconds: float
    wall_seconds: float
    p50: float
    p99: float
    queries: int

    @property
    def rate(self) -> float:
        """Queries per second of processor time."""
        return 1 / max(self.cpu_seconds, 1e-9)


@dataclass(frozen=True)
class Trial:
    """One way to build an index, and what came of it.

    Attributes:
        engine, settings: which.
        rows: how many it was built over.
        build_seconds: wall time, of all rows.
        memory: bytes beside the vectors, of all rows.
        points: by ascending effort; none where it was skipped.
        extrapolated: build, memory and points were measured on `rows` of them and carried on to
            all by how they grew.
        skipped: why there is nothing, in words.
    """

    engine: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    build_seconds: float = 0.0
    memory: int = 0
    points: tuple[Point, ...] = ()
    extrapolated: bool = False
    skipped: str | None = None

    @property
    def settings_text(self) -> str:
        """The settings for people: ``trees=20 leaf=8``."""
        return " ".join(f"{key}={value}" for key, value in self.settings.items())

    def to_json(self) -> dict[str, Any]:
        """As a JSON object, rounded to four digits that count."""
        content = asdict(self)
        content["points"] = [
            {key: _rounded(value) for key, value in point.items()} for point in content["points"]
        ]
        return {key: _rounded(value) for key, value in content.items()}


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
