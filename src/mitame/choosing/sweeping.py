"""How long an index takes and how much it finds, by how hard it looks."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

import numpy as np

from mitame.choosing.measurement import Point
from mitame.engines.measuring import Questions, recall
from mitame.engines.protocol import Searchable
from mitame.neighbors import Neighbors

_FEWEST = 20
"""Queries that are asked even of an index that takes long."""
_STEADY_SECONDS = 0.05
"""What takes less in all is measured again: clocks and caches need something to go by."""
_ROUNDS = 3
_ENOUGH = 0.999
"""Harder searches than one with this recall (or the one wished for) cost time and tell little."""


def sweep(
    index: Searchable,
    asked: Questions,
    efforts: Iterable[float],
    *,
    recall_wished: float,
    seconds: float,
    slowest: float = math.inf,
) -> tuple[Point, ...]:
    """A point for each effort, ascending, until one finds nearly all or takes too long.

    Args:
        index: what is measured.
        asked: the questions.
        efforts: from 0 to 1.
        recall_wished: at least as far the sweep goes, if the efforts do.
        seconds: a point takes hardly longer, as fewer questions are asked then.
        slowest: processor time of a query above which nobody would want it.
    """
    points = []
    for effort in sorted(set(efforts)):
        points.append(measure(index, asked, effort, seconds=seconds))
        is_enough = points[-1].recall >= max(_ENOUGH, recall_wished)
        if is_enough or points[-1].cpu_seconds > slowest:
            break
    return tuple(points)


def measure(index: Searchable, asked: Questions, effort: float, *, seconds: float) -> Point:
    """One point: questions are asked one after another, as users would.

    Args:
        index, asked, seconds: as in `sweep`.
        effort: 0 to 1.
    """
    best: Point | None = None
    spent = 0.0
    for _ in range(_ROUNDS):
        point = _round(index, asked, effort, seconds)
        spent += point.wall_seconds * point.queries
        if best is None or point.cpu_seconds < best.cpu_seconds:
            best = point
        if spent > _STEADY_SECONDS:
            break
    assert best is not None
    return best


def _round(index: Searchable, asked: Questions, effort: float, seconds: float) -> Point:
    times: list[float] = []
    answers: list[Neighbors] = []
    index.search(asked.queries[:1], asked.asked, effort=effort)  # what is only done once
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(len(asked)):
        before = time.perf_counter()
        query = asked.queries[number : number + 1]
        answers.append(index.search(query, asked.asked, effort=effort))
        now = time.perf_counter()
        times.append(now - before)
        if now - began > seconds and len(times) >= _FEWEST:
            break
    cpu = time.process_time() - cpu
    wall = time.perf_counter() - began
    done = len(times)
    found = Neighbors(
        np.concatenate([answer.ids for answer in answers]),
        np.concatenate([answer.distances for answer in answers]),
    )
    p50, p99 = np.percentile(times, (50, 99))
    return Point(
        effort,
        recall(found, asked.part(0, done)),
        cpu / done,
        wall / done,
        float(p50),
        float(p99),
        done,
    )
