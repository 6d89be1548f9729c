"""Counts and times of a process, in the form that Prometheus reads."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from mitame.errors import MitameError
from mitame.serving.seeing.counters import Counter, CountersFile, Histogram, Requests
from mitame.serving.seeing.counting import CountingFolder
from mitame.serving.seeing.exposition import FAMILIES, series

if TYPE_CHECKING:
    from mitame.serving.seeing.tracing import Tracing

STAGES = ("decode", "embed", "table", "engine", "delta", "hydrate")
"""Steps of a request that are timed; others may be, too."""


class Stage:
    """Times a with block. Made by `Metrics.stage`, for one use."""

    __slots__ = ("_histogram", "_started")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._histogram.observe(time.perf_counter() - self._started)


class TracedStage:
    """As `Stage`, and as a step of a trace. Made by `Metrics.stage`, for one use."""

    __slots__ = ("_span", "_stage")

    def __init__(self, stage: Stage, span: AbstractContextManager[object]) -> None:
        self._stage = stage
        self._span = span

    def __enter__(self) -> None:
        self._span.__enter__()
        self._stage.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stage.__exit__(kind, error, trace)
        self._span.__exit__(kind, error, trace)


class Metrics:
    """What a process has counted. Safe from several threads; each call costs about 1 us.

    Names are those of `mitame.serving.seeing.exposition.FAMILIES`. Labels are words of the program,
    such as a route or an error's code: never an id, a key or anything else that a caller makes.

    Args:
        state: folder for what the processes of a data directory share.
        kind: of process.
        tracing: told of stages, too.
    """

    def __init__(self, state: Path, kind: str = "worker", tracing: Tracing | None = None) -> None:
        self._tracing = tracing
        self.folder = CountingFolder(state)
        try:
            path, self._held = self.folder.join(kind)
        except MitameError:  # it counts for itself alone
            path, self._held = state / "nowhere" / kind, ExitStack()
        self._file = CountersFile(path)
        self._counters: dict[str, Counter] = {}
        self._stages = {name: self._stage(name) for name in STAGES}
        self._bad: dict[str, Counter] = {}

    def counter(self, name: str, **labels: str) -> Counter:
        """A counter or gauge; keep it where it is used often."""
        key = series(name, **labels)
        found = self._counters.get(key)
        if found is None:
            found = Counter(*self._file.place(key, 1), self._file.lock)
            self._counters[key] = found
        return found

    def histogram(self, name: str, **labels: str) -> Histogram:
        """A histogram of times; keep it where it is used often."""
        place = self._file.place(series(name, **labels), FAMILIES[name].slots)
        return Histogram(*place, self._file.lock)

    def requests(self, route: str, method: str, status: int) -> Requests:
        """For requests of a route that were answered with a status; keep it."""
        place, times = self._file.place, "mitame_request_duration_seconds"
        key = series("mitame_requests_total", route=route, method=method, status=str(status))
        values, count = place(key, 1)
        spare, size = place(series("mitame_response_bytes_total", route=route), 1)
        last, first = place(series(times, route=route), FAMILIES[times].slots)
        if not values is spare is last:  # the file is full
            values = memoryview(bytearray(8 * (FAMILIES[times].slots + 2))).cast("d")
            count, size, first = 0, 1, 2
        return Requests(values, count, size, first)

    def stage(self, name: str) -> Stage | TracedStage:
        """Times a step of a request: ``with metrics.stage("embed"): ...``, on any thread."""
        found = self._stages.get(name)
        if found is None:
            found = self._stages[name] = self._stage(name)
        if self._tracing is None:
            return Stage(found)
        return TracedStage(Stage(found), self._tracing.step(name))

    def bad_image(self, code: str) -> None:
        """A picture could not be used, by the code of its error."""
        found = self._bad.get(code)
        if found is None:
            found = self._bad[code] = self.counter("mitame_bad_images_total", code=code)
        found.add()

    def close(self) -> None:
        """Say that this process counts no more; what it has counted is kept."""
        self._held.close()

    def _stage(self, name: str) -> Histogram:
        return self.histogram("mitame_stage_duration_seconds", stage=name)
