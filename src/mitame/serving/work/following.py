"""Folders that are followed: indexed when the server starts, then looked at again and again.

A folder that is gone or can't be read is told and does not keep the others waiting; nothing is
removed on its account.
"""

from __future__ import annotations

import hashlib
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mitame.errors import MitameError, SourceError
from mitame.ingest.report import IndexReport
from mitame.serving.registry import OpenCollections
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.work.kinds import Reporter, Stopped, told, unforeseen
from mitame.serving.work.queue import Queue

_COUNTS = ("added", "replaced", "moved", "updated", "removed")


class Follower:
    """Follows one folder, on a thread of its own.

    Its job, which keeps one name for ever, tells what the last look found.

    Args:
        folder: or an archive, a manifest, a list of URLs.
        collection: name of the one that it is indexed into; made where it is missing.
        prefix: put before every id.
        seconds: between two looks.
        jobs, collections, metrics: of the runner.
        stopping: set when the runner stops.
        say: writes a line to the server's log.

    Attributes:
        job: its id.
        looks: it is looking at the folder, or about to for the first time.
    """

    def __init__(
        self,
        folder: str,
        collection: str,
        prefix: str,
        seconds: float,
        *,
        jobs: Queue,
        collections: OpenCollections,
        metrics: Metrics,
        stopping: threading.Event,
        say: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self._collection = collection
        self._prefix = prefix
        self._seconds = seconds
        self._jobs = jobs
        self._collections = collections
        self._metrics = metrics
        self._stopping = stopping
        self._say = say
        self._problem: str | None = None
        self._looks = 0
        self._bad: set[tuple[str, str]] = set()
        self.job = job_of(folder, collection)
        self.looks = True

    def run(self) -> None:
        """Look until the runner stops or the job is cancelled."""
        arguments = {"targets": [self.folder], "prefix": self._prefix, "prune": True}
        with suppress(MitameError):  # it can't be told, and is followed all the same
            self._jobs.begin(self.job, "follow", self._collection, arguments, self.folder)
        reporter = Reporter(self._jobs, self.job, self._stopping)
        while True:
            try:
                self.looks = True
                self._look(reporter)
                self.looks = False
                self._looks += 1
                self._rest(reporter)
            except Stopped:
                break
        self.looks = False
        if reporter.cancelled:
            self._say(f"{self.folder} is not followed any more: its job was cancelled")
            self._jobs.end(self.job, "cancelled")

    def _look(self, reporter: Reporter) -> None:
        """Bring the collection in line with the folder once.

        Raises:
            Stopped: it was stopped.
        """
        reporter.begin()
        try:
            report = self._collections.opened_or_made(self._collection).index(
                self.folder, prefix=self._prefix, prune=True, on_progress=reporter.index
            )
        except MitameError as error:
            self._wrong(error, reporter)
            return
        except Exception as error:
            traceback.print_exc()
            self._wrong(unforeseen(error), reporter)
            return
        if report.interrupted:
            raise Stopped
        broken = _broken(report)
        self._count_bad(report)
        if broken is not None:
            self._wrong(broken, reporter, report)
        else:
            self._right(report, reporter)
        reporter.settle(always=False)

    def _rest(self, reporter: Reporter) -> None:
        left = self._seconds
        while left > 0 and not self._stopping.wait(min(1.0, left)):
            left -= 1.0
            with suppress(MitameError):
                reporter.cancelled |= self._jobs.get(self.job).cancelled
            if reporter.cancelled:
                break
        if reporter.cancelled or self._stopping.is_set():
            raise Stopped

    def _right(self, report: IndexReport, reporter: Reporter) -> None:
        counts = [f"{n} {name}" for name in _COUNTS if (n := getattr(report, name))]
        if counts or not self._looks or self._problem is not None:
            self._note(reporter, report, None)
            self._say(f"{self.folder}: {', '.join(counts) or 'nothing new'}")
        self._problem = None

    def _wrong(
        self, error: MitameError, reporter: Reporter, report: IndexReport | None = None
    ) -> None:
        """Tell what is wrong, once until it changes."""
        if self._problem != error.message:
            self._say(f"{self.folder} can't be followed: {error.line()}")
            self._note(reporter, report, error)
        self._problem = error.message

    def _note(
        self, reporter: Reporter, report: IndexReport | None, error: MitameError | None
    ) -> None:
        reporter.settle()
        with suppress(MitameError):
            self._jobs.note(self.job, None if report is None else told(report), error)

    def _count_bad(self, report: IndexReport) -> None:
        """Count the pictures that can't be used, each once, however often it is met."""
        bad = {(each.location, each.error.code) for each in report.refused}
        for _, code in bad - self._bad:
            self._metrics.bad_image(code)
        self._bad = bad


def prefixes(folders: Sequence[str]) -> list[str]:
    """What to put before the ids of each folder, so that equal paths in two are two items.

    Nothing for the first one, so that its ids stay when another is added; for the others the
    folder's name, with a number where that is taken.
    """
    found: list[str] = []
    for folder in folders:
        name = Path(folder.rstrip("/\\")).name
        names = [name, *(f"{name}-{number}" for number in range(2, len(folders) + 2))]
        free = (f"{each}/" for each in names if f"{each}/" not in found)
        found.append(next(free) if found else "")
    return found


def job_of(folder: str, collection: str) -> str:
    """The id of the job that follows a folder: the same after each start."""
    text = f"{collection}\0{folder}".encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def _broken(report: IndexReport) -> SourceError | None:
    """Why a source as a whole could not be read, where nothing of it could."""
    found = [each.error for each in report.refused if isinstance(each.error, SourceError)]
    counted = report.added + report.unchanged + report.replaced + report.touched
    return found[0] if found and not counted else None
