"""The best of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.choosing.growth import carried, carried_recall, carried_trial
from mitame.choosing.measurement import Point, Trial
from mitame.choosing.pick import ALIKE, UNNOTICED, WORTH, Picked, candidate, pick, reason
from mitame.choosing.wish import Wish


def point(effort: float, recall: float, micros: float) -> Point:
    seconds = micros * 1e-6
    return Point(effort, recall, seconds, seconds, seconds, 3 * seconds, 100)


def trial(
    engine: str,
    *points: tuple[float, float, float],
    build: float = 10.0,
    memory: int = 1_000,
) -> Trial:
    """Points as effort, recall and microseconds."""
    made = tuple(point(*each) for each in points)
    return Trial(engine, {"size": 1}, 1_000, build, memory, made)


EXACT = Trial("exact", {}, 1_000, 0.0, 0, (point(1.0, 1.0, 2_000),))
QUICK = trial("quick", (0.0, 0.8, 10), (0.5, 0.94, 20), (1.0, 0.98, 50), memory=5_000)
SMALL = trial("small", (0.0, 0.9, 40), (1.0, 0.99, 80), memory=100)
POOR = trial("poor", (0.0, 0.3, 1), (1.0, 0.7, 5))
ALL = [EXACT, QUICK, SMALL, POOR]


def best(trials: Sequence[Trial], wish: Wish) -> Picked:
    found = pick(trials, wish)
    assert found is not None
    return found


def test_the_quickest_with_the_recall() -> None:
    """One that never reaches it is no candidate, however quick."""
    assert best(ALL, Wish(0.95)).best.trial is QUICK
    assert best(ALL, Wish(0.985)).best.trial is SMALL
    assert best(ALL, Wish(1.0)).best.trial is EXACT
    assert best(ALL, Wish(0.5)).best.trial is POOR
    assert best(ALL, Wish(0.95)).unmet == ()


def test_limits() -> None:
    """Memory and latency leave some out."""
    assert best(ALL, Wish(0.95, memory=1_000)).best.trial is SMALL
    assert best(ALL, Wish(0.95, memory=0)).best.trial is EXACT
    slow = trial("slow", (1.0, 0.99, 15))
    slow = replace(slow, points=(replace(slow.points[0], p99=1.0),))
    assert best([*ALL, slow], Wish(0.95)).best.trial is slow
    assert best([*ALL, slow], Wish(0.95, latency=0.5)).best.trial is QUICK


def test_wishes_that_nothing_fulfils() -> None:
    """Recall counts most, then memory; what is left out is told."""
    latency = best(ALL, Wish(0.99, latency=1e-6))
    assert latency.best.trial is SMALL
    assert latency.unmet == ("nothing that does answers within 1 µs",)
    memory = best([QUICK, SMALL], Wish(0.95, memory=10))
    assert memory.best.trial is QUICK
    assert "less than 10 bytes" in memory.unmet[0]
    recall = best([QUICK, POOR], Wish(0.999))
    assert recall.best.trial is QUICK
    assert recall.unmet == ("nothing measured reaches recall 0.999",)
    assert pick([], Wish()) is None
    assert pick([Trial("gone", skipped="not installed")], Wish()) is None


def test_alike_times_leave_it_to_build_and_memory() -> None:
    """A few percent are noise."""
    a = trial("a", (1.0, 0.99, 100), build=50)
    b = trial("b", (1.0, 0.99, 105), build=5)
    c = trial("c", (1.0, 0.99, 108), build=5, memory=1)
    assert best([a, b], Wish()).best.trial is b
    assert best([a, b, c], Wish()).best.trial is c
    assert best([a, trial("d", (1.0, 0.99, 120), build=0)], Wish()).best.trial is a


def test_exact_wins_where_hardly_anything_is_quicker() -> None:
    """It needs no build and misses nothing."""
    exact = Trial("exact", {}, 1_000, 0.0, 0, (point(1.0, 1.0, 1_000),))
    assert best([exact, trial("a", (1.0, 0.99, 850))], Wish()).best.trial is exact
    a = trial("a", (1.0, 0.99, 700))
    assert best([exact, a], Wish()).best.trial is a


def test_exact_wins_where_all_takes_microseconds() -> None:
    """Half of next to nothing is not worth an index."""
    exact = Trial("exact", {}, 20, 0.0, 0, (point(1.0, 1.0, 60),))
    assert best([exact, trial("a", (1.0, 0.99, 11))], Wish()).best.trial is exact
    a = trial("a", (1.0, 0.99, 9))
    assert best([exact, a], Wish()).best.trial is a


def test_measured_goes_before_extrapolated() -> None:
    """Unless nothing that was measured fulfils the wish."""
    guess = replace(trial("guess", (1.0, 0.999, 1)), extrapolated=True)
    assert best([QUICK, guess], Wish(0.95)).best.trial is QUICK
    assert best([QUICK, guess], Wish(0.99)).best.trial is guess


def test_between_two_efforts() -> None:
    """On the safe side of the straight line, and never beyond what was measured."""
    found = candidate(QUICK, Wish(0.96))
    assert 0.75 < found.point.effort < 1.0
    assert found.point.recall > 0.96
    assert 20e-6 < found.point.cpu_seconds < 50e-6
    assert found.harder == (1.0,)
    assert candidate(QUICK, Wish(0.94)).point == QUICK.points[1]
    assert candidate(QUICK, Wish(0.94)).harder == (1.0,)
    assert candidate(QUICK, Wish(0.7)).point == QUICK.points[0]
    assert candidate(QUICK, Wish(0.98)).point == QUICK.points[2]


CURVES = st.lists(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0.05, 1), st.floats(1, 1e5)), min_size=1, max_size=5
    ),
    min_size=1,
    max_size=6,
)


@given(CURVES, st.floats(0.1, 1))
def test_nothing_that_does_it_is_much_quicker(
    curves: list[list[tuple[float, float, float]]], recall: float
) -> None:
    """Whatever the curves: the recall is reached if any reaches it, at nearly the least time."""
    trials = [
        trial(f"e{n}", *sorted(curve))
        if n
        else replace(trial("exact", *sorted(curve)), settings={})
        for n, curve in enumerate(curves)
    ]
    wish = Wish(recall)
    found = best(trials, wish)
    reaching = [each for t in trials if (each := candidate(t, wish)).reaches]
    assert found.best.reaches == bool(reaching)
    if reaching:
        assert found.best.point.recall >= recall
        least = min(each.point.cpu_seconds for each in reaching)
        most = max(max(ALIKE, WORTH) * least, least + UNNOTICED)
        assert found.best.point.cpu_seconds <= most * (1 + 1e-9)
    assert reason(found, trials, wish).startswith(found.best.trial.engine)


@pytest.mark.parametrize(
    ("trials", "wish", "line"),
    [
        (
            ALL,
            Wish(0.94),
            "quick: recall 0.940 at 50,000 queries/s; exact answers 500; small 15,000",
        ),
        ([EXACT, QUICK], Wish(1.0), "exact: exact answers at 500 queries/s, and nothing is much"),
        ([EXACT], Wish(), "exact: exact answers at 500 queries/s; nothing else was measured"),
        ([SMALL, POOR], Wish(0.9), "small: recall 0.900 at 25,000 queries/s; poor does not pass"),
        (
            [trial("a", (1.0, 1.0, 10)), trial("b", (1.0, 1.0, 9.9), build=99, memory=3_000)],
            Wish(),
            "a: recall 1.000 at 100,000 queries/s; b needs 3x the memory",
        ),
    ],
)
def test_the_reason_is_one_line(trials: Sequence[Trial], wish: Wish, line: str) -> None:
    """Recall, speed, what exact search does, and what the next one costs."""
    said = reason(best(trials, wish), trials, wish)
    assert said.startswith(line)
    assert "\n" not in said


def test_growth_by_a_power() -> None:
    """Through both measured values, within what is possible."""
    assert carried(1.0, 4.0, (100, 400, 1_600), (0.0, 2.0)) == pytest.approx(16.0)
    assert carried(1.0, 64.0, (100, 400, 1_600), (0.0, 1.0)) == pytest.approx(256.0)
    assert carried(1.0, 0.5, (100, 400, 1_600), (0.1, 1.0)) == pytest.approx(0.5 * 4**0.1)
    assert carried(0.0, 3.0, (100, 400, 1_600), (1.0, 2.0)) == pytest.approx(12.0)


def test_recall_falls_as_it_fell() -> None:
    """It never rises, and never below nothing."""
    assert carried_recall(0.99, 0.97, (100, 200, 400)) == pytest.approx(0.95)
    assert carried_recall(0.9, 0.97, (100, 200, 400)) == 0.97
    assert carried_recall(0.9, 0.5, (100, 200, 10**9)) == 0.0


def test_a_trial_is_carried_on_point_by_point() -> None:
    """Efforts that one of the samples lacks are left out."""
    small = replace(QUICK, rows=100, build_seconds=1.0, memory=100)
    large = replace(QUICK, rows=400, build_seconds=4.0, memory=400, points=QUICK.points[1:])
    told = carried_trial(small, large, 4_000)
    assert told.extrapolated
    assert told.rows == 400
    assert told.build_seconds == pytest.approx(40.0)
    assert told.memory == pytest.approx(4_000, rel=1e-3)
    assert [p.effort for p in told.points] == [0.5, 1.0]
