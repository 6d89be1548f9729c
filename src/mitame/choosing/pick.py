"""The best of what was measured, by a stated wish. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mitame.choosing.measurement import Point, Trial
from mitame.choosing.wish import Wish, size_text, time_text

ALIKE = 1.1
"""Query times whose ratio is less are alike: build time and memory decide."""
WORTH = 1.25
"""An index must be so many times quicker than looking at all rows."""
UNNOTICED = 50e-6
"""Seconds of a query that an index must spare, too: with few rows every search takes microseconds,
and their ratio is chance."""


@dataclass(frozen=True)
class Candidate:
    """A way to search that reaches the recall, or comes nearest to it.

    Attributes:
        trial: how the index is built.
        point: as it is searched; between two measured efforts, their values are interpolated.
        harder: measured efforts above it, ascending, for when the recall turns out lower.
        reaches: it has the recall that was wished for.
    """

    trial: Trial
    point: Point
    harder: tuple[float, ...]
    reaches: bool


@dataclass(frozen=True)
class Picked:
    """The best candidate.

    Attributes:
        best: it.
        unmet: which wishes it does not fulfil, in words; none where it fulfils all.
    """

    best: Candidate
    unmet: tuple[str, ...]


def pick(trials: Sequence[Trial], wish: Wish) -> Picked | None:
    """The candidate of least query time among those that fulfil the wish.

    What was measured goes before what was extrapolated. Where nothing fulfils all, recall counts
    most, then memory, then latency. None where nothing was measured.
    """
    candidates = [candidate(trial, wish) for trial in trials if trial.points]
    for fits in _FITS:
        for extrapolated in (False, True):
            left = [
                each
                for each in candidates
                if each.trial.extrapolated == extrapolated and all(fit(each, wish) for fit in fits)
            ]
            if left:
                best = _quickest(left) if _reaches in fits else _surest(left)
                return Picked(best, _unmet(best, wish))
    return None


def candidate(trial: Trial, wish: Wish) -> Candidate:
    """How an index is searched so that it has the wished recall, as far as it can.

    Between two measured efforts, the one taken is half a step on the safe side of where a
    straight line reaches the recall.
    """
    before: Point | None = None
    for place, point in enumerate(trial.points):
        if point.recall >= wish.recall:
            harder = tuple(p.effort for p in trial.points[place:])
            found = point if before is None else _between(before, point, wish.recall)
            return Candidate(trial, found, harder if found is not point else harder[1:], True)
        before = point
    best = max(trial.points, key=lambda p: p.recall)
    return Candidate(trial, best, (), False)


def _between(low: Point, high: Point, recall: float) -> Point:
    share = (recall - low.recall) / (high.recall - low.recall)
    share = (1 + share) / 2
    if share > 0.95:
        return high

    def at(a: float, b: float) -> float:
        return a + (b - a) * share

    return Point(
        round(at(low.effort, high.effort), 4),
        at(low.recall, high.recall),
        at(low.cpu_seconds, high.cpu_seconds),
        at(low.wall_seconds, high.wall_seconds),
        at(low.p50, high.p50),
        at(low.p99, high.p99),
        min(low.queries, high.queries),
    )


def _quickest(candidates: Sequence[Candidate]) -> Candidate:
    least = min(each.point.cpu_seconds for each in candidates)
    plain = next((each for each in candidates if _is_plain(each.trial)), None)
    if plain is not None and plain.point.cpu_seconds <= max(WORTH * least, least + UNNOTICED):
        return plain
    alike = [each for each in candidates if each.point.cpu_seconds <= ALIKE * least]
    return min(alike, key=lambda e: (e.trial.build_seconds, e.trial.memory, e.point.cpu_seconds))


def _has_room(each: Candidate, wish: Wish) -> bool:
    return wish.memory is None or each.trial.memory <= wish.memory


def _is_quick(each: Candidate, wish: Wish) -> bool:
    return wish.latency is None or each.point.p99 <= wish.latency


def _surest(candidates: Sequence[Candidate]) -> Candidate:
    return max(candidates, key=lambda each: each.point.recall)


def _is_plain(trial: Trial) -> bool:
    """An exact search that has nothing but the vectors."""
    return trial.engine == "exact" and not trial.settings


def _reaches(each: Candidate, _: Wish) -> bool:
    return each.reaches


_FITS = (
    (_reaches, _has_room, _is_quick),
    (_reaches, _has_room),
    (_reaches,),
    (_has_room,),
    (),
)
"""What must be fulfilled, all of it first; less where nothing does."""


def _unmet(best: Candidate, wish: Wish) -> tuple[str, ...]:
    unmet = []
    if not best.reaches:
        unmet.append(f"nothing measured reaches recall {wish.recall:g}")
    if wish.memory is not None and not _has_room(best, wish):
        unmet.append(f"nothing that does needs less than {size_text(wish.memory)}")
    if wish.latency is not None and not _is_quick(best, wish):
        unmet.append(f"nothing that does answers within {time_text(wish.latency)}")
    return tuple(unmet)


def reason(picked: Picked, trials: Sequence[Trial], wish: Wish) -> str:
    """Why, in one line: what it does, what an exact search does, what the next best would cost."""
    best = picked.best
    point = best.point
    parts = [f"recall {point.recall:.3f} at {_rate(point)} queries/s"]
    exact = next((t.points[0] for t in trials if _is_plain(t) and t.points), None)
    if _is_plain(best.trial):
        parts = [f"exact answers at {_rate(point)} queries/s, and nothing is much quicker"]
        if len([t for t in trials if t.points]) == 1:
            parts = [f"exact answers at {_rate(point)} queries/s; nothing else was measured"]
    elif exact is not None:
        parts.append(f"exact answers {_rate(exact)}")
    other = _runner_up(best, trials, wish)
    if other is not None:
        parts.append(_compared(other, best))
    if best.trial.extrapolated:
        parts.append(f"carried on from {best.trial.rows:,} rows")
    parts.extend(picked.unmet)
    return f"{best.trial.engine}: " + "; ".join(parts)


def _rate(point: Point) -> str:
    return f"{float(f'{point.rate:.2g}'):,.0f}"


def _runner_up(best: Candidate, trials: Sequence[Trial], wish: Wish) -> Candidate | None:
    others = [
        candidate(trial, wish)
        for trial in trials
        if trial.points and trial.engine not in ("exact", best.trial.engine)
    ]
    reaching = [each for each in others if each.reaches] or others
    return min(reaching, key=lambda each: each.point.cpu_seconds, default=None)


def _compared(other: Candidate, best: Candidate) -> str:
    name = other.trial.engine
    if not other.reaches:
        return f"{name} does not pass {other.point.recall:.3f}"
    ratio = other.point.cpu_seconds / best.point.cpu_seconds
    if ratio > ALIKE:
        return f"{name} {_rate(other.point)}"
    if best.trial.memory and other.trial.memory > 1.5 * best.trial.memory:
        return f"{name} needs {other.trial.memory / best.trial.memory:.2g}x the memory"
    if other.trial.memory > best.trial.memory:
        return f"{name} needs {size_text(other.trial.memory)}"
    return f"{name} takes {time_text(other.trial.build_seconds)} to build"
