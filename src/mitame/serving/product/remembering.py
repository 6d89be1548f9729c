"""What a query id means: questions kept for a while, so that feedback on any worker finds them.

Answers don't wait for it: questions are put aside, and a thread writes those of half a second
together. What comes too quickly is left out: feedback about it is stored all the same.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mitame.collection import EvaluationStore
from mitame.collection.paths import COPIES, THUMBNAILS
from mitame.config import MB, LimitsConfig
from mitame.errors import MitameError
from mitame.feedback import (
    AskedQuestion,
    ComparisonStore,
    DecisionStore,
    FeedbackStore,
    RecentQueries,
)
from mitame.thumbnails.store import ThumbnailStore

if TYPE_CHECKING:
    from mitame.api import Collection

SECONDS = 0.5
MOST_WAITING = 500
"""Questions of a collection that wait to be written."""
MOST_BYTES = 16 << 20
"""Of their vectors."""


@dataclass
class _Kept:
    """What is open of one collection."""

    collection: Collection
    recent: RecentQueries
    feedback: FeedbackStore
    decisions: DecisionStore
    comparisons: ComparisonStore
    evaluations: EvaluationStore
    thumbnails: ThumbnailStore
    copies: ThumbnailStore
    waiting: deque[tuple[str, AskedQuestion]] = field(
        default_factory=lambda: deque(maxlen=MOST_WAITING)
    )

    def close(self) -> None:
        self.recent.close()
        self.feedback.close()
        self.decisions.close()
        self.comparisons.close()
        self.evaluations.close()
        self.thumbnails.close()
        self.copies.close()


class Remembering:
    """The questions and feedback of all collections. Safe from several threads.

    Args:
        limits: how much of it is kept.
    """

    def __init__(self, limits: LimitsConfig) -> None:
        self._limits = limits
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    def put(self, name: str, collection: Collection, query_id: str, asked: AskedQuestion) -> None:
        """Remember a question; returns at once."""
        with self._lock:
            if self._ended:
                return
            waiting = self._of(name, collection).waiting
            size = 0 if asked.vectors is None else asked.vectors.nbytes
            if len(waiting) * size < MOST_BYTES:
                waiting.append((query_id, asked))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="mitame-queries", daemon=True
                )
                self._thread.start()

    def find(self, name: str, collection: Collection, query_id: str) -> AskedQuestion | None:
        """What was asked; None where it is not known. It reads the disk: call it on a thread."""
        with self._lock:
            kept = self._of(name, collection)
            for known, asked in reversed(kept.waiting):
                if known == query_id:
                    return asked
        with suppress(MitameError):
            return kept.recent.find(query_id)
        return None

    def feedback(self, name: str, collection: Collection) -> FeedbackStore:
        """The feedback of a collection."""
        with self._lock:
            return self._of(name, collection).feedback

    def decisions(self, name: str, collection: Collection) -> DecisionStore:
        """What was decided about near-copies of a collection."""
        with self._lock:
            return self._of(name, collection).decisions

    def comparisons(self, name: str, collection: Collection) -> ComparisonStore:
        """Votes on two answers of a collection."""
        with self._lock:
            return self._of(name, collection).comparisons

    def evaluations(self, name: str, collection: Collection) -> EvaluationStore:
        """What was measured of a collection's answers."""
        with self._lock:
            return self._of(name, collection).evaluations

    def thumbnails(self, name: str, collection: Collection) -> ThumbnailStore:
        """Thumbnails of a collection's items that were made."""
        with self._lock:
            return self._of(name, collection).thumbnails

    def copies(self, name: str, collection: Collection) -> ThumbnailStore:
        """Small copies of the pictures that were uploaded to a collection."""
        with self._lock:
            return self._of(name, collection).copies

    def close(self) -> None:
        """Write what waits, and let go of the files."""
        with self._lock:
            self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for kept in self._kept.values():
                kept.close()
            self._kept.clear()

    def _of(self, name: str, collection: Collection) -> _Kept:
        found = self._kept.get(name)
        if found is None or found.collection is not collection:
            if found is not None:  # dropped, and made again
                found.close()
            path = collection.path
            stores = (
                RecentQueries(path),
                FeedbackStore(path, int(self._limits.feedback_mb * MB)),
                DecisionStore(path),
                ComparisonStore(path),
                EvaluationStore(path),
                ThumbnailStore(path / THUMBNAILS, int(self._limits.thumbnails_mb * MB)),
                ThumbnailStore(path / COPIES, int(self._limits.copies_mb * MB)),
            )
            found = _Kept(collection, *stores)
            self._kept[name] = found
        return found

    def _run(self) -> None:
        while not self._wake.wait(SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            due = [(each, list(each.waiting)) for each in self._kept.values() if each.waiting]
        for kept, waiting in due:
            with suppress(MitameError):  # a full or read-only disk must not keep anyone from asking
                kept.recent.keep(waiting)
                # Feedback may have come to another worker, before it could know of the question.
                kept.feedback.bind(waiting)
            with self._lock:
                written = {query_id for query_id, _ in waiting}
                left = [each for each in kept.waiting if each[0] not in written]
                kept.waiting.clear()
                kept.waiting.extend(left)
