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

from mitame.errors import MitameError
from mitame.feedback import AskedQuestion
from mitame.serving.stores import CollectionStores, Stores

if TYPE_CHECKING:
    from mitame.api import Collection

SECONDS = 0.5
MOST_WAITING = 500
"""Questions of a collection that wait to be written."""
MOST_BYTES = 16 << 20
"""Of their vectors."""


@dataclass(frozen=True)
class _Waiting:
    """Questions of one collection that wait to be written."""

    stores: CollectionStores
    questions: deque[tuple[str, AskedQuestion]] = field(
        default_factory=lambda: deque(maxlen=MOST_WAITING)
    )


class Remembering:
    """The questions of all collections, for a while. Safe from several threads.

    Args:
        stores: where they are kept.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    def put(self, name: str, collection: Collection, query_id: str, asked: AskedQuestion) -> None:
        """Remember a question; returns at once."""
        with self._lock:
            if self._ended:
                return
            questions = self._of(name, collection).questions
            size = 0 if asked.vectors is None else asked.vectors.nbytes
            if len(questions) * size < MOST_BYTES:
                questions.append((query_id, asked))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="mitame-queries", daemon=True
                )
                self._thread.start()

    def find(self, name: str, collection: Collection, query_id: str) -> AskedQuestion | None:
        """What was asked; None where it is not known. It reads the disk: call it on a thread."""
        with self._lock:
            waiting = self._of(name, collection)
            for known, asked in reversed(waiting.questions):
                if known == query_id:
                    return asked
        with suppress(MitameError):
            return waiting.stores.recent.find(query_id)
        return None

    def close(self) -> None:
        """Write what waits."""
        with self._lock:
            self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _of(self, name: str, collection: Collection) -> _Waiting:
        stores, found = self._stores.of(name, collection), self._waiting.get(name)
        if found is None or found.stores is not stores:  # or dropped, and made again
            found = self._waiting[name] = _Waiting(stores)
        return found

    def _run(self) -> None:
        while not self._wake.wait(SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            all_waiting = self._waiting.values()
            due = [(each, list(each.questions)) for each in all_waiting if each.questions]
        for waiting, questions in due:
            with suppress(MitameError):  # a full or read-only disk must not keep anyone from asking
                waiting.stores.recent.keep(questions)
                # Feedback may have come to another worker, before it could know of the question.
                waiting.stores.feedback.bind(questions)
            with self._lock:
                written = {query_id for query_id, _ in questions}
                left = [each for each in waiting.questions if each[0] not in written]
                waiting.questions.clear()
                waiting.questions.extend(left)
