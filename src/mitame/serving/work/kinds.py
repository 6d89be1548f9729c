"""What each kind of job does, and how it tells how far it is and is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from mitame.api import Collection
from mitame.errors import CollectionBusy, MitameError
from mitame.ingest.report import IndexReport, Progress
from mitame.serving.work.queue import Queue

SAID_SECONDS = 0.5
"""Between two writes of a job's progress."""
BUSY_SECONDS = 600.0
"""How long to wait for a merge that somebody else makes."""
_LISTED = 20

Result: TypeAlias = dict[str, Any]


class Stopped(KeyboardInterrupt):
    """Raised at a job's next step to end it, as Ctrl-C would."""


class Reporter:
    """Told how far a job is, as often as one likes; ends it where that is wanted.

    Args:
        jobs: where it is written.
        job: its id.
        stopping: set when the runner stops.
    """

    def __init__(self, jobs: Queue, job: str, stopping: threading.Event) -> None:
        self._jobs = jobs
        self._job = job
        self._stopping = stopping
        self._said = 0.0
        self._last: tuple[float, float | None] = (0, None)
        self._wrote = False
        self.cancelled = False

    def __call__(self, done: float, total: float | None, message: str | None = None) -> None:
        """So much is done.

        Raises:
            Stopped: the job was cancelled, or the runner stops.
        """
        now = time.monotonic()
        self._last = (done, total)
        if now - self._said >= SAID_SECONDS:
            self._said, self._wrote = now, True
            with suppress(MitameError):  # the work is worth more than a word about it
                self.cancelled |= self._jobs.progress(self._job, done, total, message)
        if self.cancelled or self._stopping.is_set():
            raise Stopped

    def begin(self) -> None:
        """A round begins, of which nothing is written where it is soon over."""
        self._said, self._wrote = time.monotonic(), False

    def settle(self, *, always: bool = True) -> None:
        """Write the last that was told: it was all.

        Args:
            always: also where nothing was written since the round began.
        """
        done, _ = self._last
        if always or self._wrote:
            with suppress(MitameError):
                self._jobs.progress(self._job, done, done)

    def index(self, progress: Progress) -> None:
        """As `mitame.ingest` tells it."""
        self(progress.done, progress.total)


def merge(collection: Collection, arguments: Mapping[str, Any], reporter: Reporter) -> Result:
    """Make a snapshot and serve it; waits for a merge that is under way."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            made = collection.store.merge(
                keep=arguments.get("keep", 2),
                dtype="float16" if arguments.get("half") else "float32",
                neighbors=arguments.get("neighbors"),
                rebuild=arguments.get("rebuild", False),
                on_progress=reporter,
            )
        except CollectionBusy:
            if time.monotonic() > until:
                raise
            reporter(0, None, "another merge is under way")
            time.sleep(SAID_SECONDS)
        else:
            return {"generation": made}


def index(collection: Collection, arguments: Mapping[str, Any], reporter: Reporter) -> Result:
    """Bring a collection in line with targets.

    Raises:
        Stopped: it was stopped before the end; what was counted is kept.
    """
    report = collection.index(
        *arguments["targets"],
        category_from_folder=arguments.get("category_from_folder", False),
        prefix=arguments.get("prefix", ""),
        prune=arguments.get("prune", False),
        on_progress=reporter.index,
    )
    if report.interrupted:
        raise Stopped
    return told(report)


def told(report: IndexReport) -> Result:
    """The counts of a run, with the first bad files and their reasons."""
    bad = [
        {"location": each.location, "code": each.error.code, "reason": each.error.line()}
        for each in report.refused[:_LISTED]
    ]
    return {**report.to_json(), "bad": bad}


def tune(collection: Collection, arguments: Mapping[str, Any], reporter: Reporter) -> Result:
    """Measure engines and keep the quickest that does what is wished."""
    from mitame.arguments import lens_of
    from mitame.choosing.lens import tune_lens
    from mitame.choosing.wish import Wish

    wish = Wish(
        arguments.get("recall", 0.95),
        arguments.get("k", 10),
        arguments.get("memory"),
        arguments.get("latency"),
    )
    lens = arguments.get("lens")
    lenses = collection.lenses
    names = list(lenses) if lens is None else [lens_of(lenses, lens).name]
    found = {}
    for name in names:
        tuning, _ = tune_lens(
            collection.store,
            name,
            wish,
            engines=arguments.get("engines"),
            budget=arguments.get("budget"),
            on_step=partial(_step, reporter, name),
        )
        found[name] = {"choice": tuning.choice.as_dict(), "recall": tuning.point.recall}
    made = merge(collection, {}, reporter) if arguments.get("apply") else {}
    return {"lenses": found, **made}


def _step(reporter: Reporter, lens: str, done: int, total: int, _: object) -> None:
    reporter(done, total, f"lens {lens}")


def evaluate(collection: Collection, arguments: Mapping[str, Any], reporter: Reporter) -> Result:
    """Measure answers by category, and keep what was found."""
    from mitame.evaluation.evaluating import evaluated, keep_evaluations, to_json

    with collection.store.pin() as view:
        found = evaluated(
            view,
            arguments.get("lens"),
            k=arguments.get("k", 10),
            sample=arguments.get("sample", 1_000),
            on_step=reporter,
        )
    return {"evaluations": [to_json(each) for each in keep_evaluations(collection.path, found)]}


def unforeseen(error: Exception) -> MitameError:
    """An error that nobody has foreseen, as jobs tell it."""
    return MitameError(
        f"{type(error).__name__}: {error}"[:500], remedy="this is a defect: please report it"
    )


WORK: Mapping[str, Callable[[Collection, Mapping[str, Any], Reporter], Result]] = {
    "merge": merge,
    "index": index,
    "tune": tune,
    "evaluate": evaluate,
}
