"""What is kept beside each collection, open once per process: feedback, decisions, pictures."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mitame.collection import EvaluationStore
from mitame.collection.paths import COPIES, THUMBNAILS
from mitame.config import MB, LimitsConfig
from mitame.feedback import ComparisonStore, DecisionStore, FeedbackStore, RecentQueries
from mitame.thumbnails.store import ThumbnailStore

if TYPE_CHECKING:
    from mitame.api import Collection


@dataclass(frozen=True)
class CollectionStores:
    """Of one collection. Safe from several threads; files are made when first written to.

    Attributes:
        collection: whose.
        recent: questions of the last time.
        feedback: what users did with answers.
        decisions: on near-copies.
        comparisons: votes on two answers.
        evaluations: what was measured of answers.
        thumbnails: of items, that were made.
        copies: small ones, of pictures whose files don't lie here.
    """

    collection: Collection
    recent: RecentQueries
    feedback: FeedbackStore
    decisions: DecisionStore
    comparisons: ComparisonStore
    evaluations: EvaluationStore
    thumbnails: ThumbnailStore
    copies: ThumbnailStore

    @classmethod
    def of(cls, collection: Collection, limits: LimitsConfig) -> CollectionStores:
        """Those in a collection's directory.

        Args:
            collection: whose.
            limits: how much of it is kept.
        """
        path = collection.path
        return cls(
            collection,
            RecentQueries(path),
            FeedbackStore(path, int(limits.feedback_mb * MB)),
            DecisionStore(path),
            ComparisonStore(path),
            EvaluationStore(path),
            ThumbnailStore(path / THUMBNAILS, int(limits.thumbnails_mb * MB)),
            ThumbnailStore(path / COPIES, int(limits.copies_mb * MB)),
        )

    def close(self) -> None:
        """Let go of the files."""
        self.recent.close()
        self.feedback.close()
        self.decisions.close()
        self.comparisons.close()
        self.evaluations.close()
        self.thumbnails.close()
        self.copies.close()


class Stores:
    """Of all collections. Safe from several threads.

    Args:
        limits: how much of each is kept.
    """

    def __init__(self, limits: LimitsConfig) -> None:
        self._limits = limits
        self._open: dict[str, CollectionStores] = {}
        self._lock = threading.Lock()

    def of(self, name: str, collection: Collection) -> CollectionStores:
        """Those of a collection.

        Args:
            name: the collection's.
            collection: the open one; of one that was dropped and made again, the newest.
        """
        with self._lock:
            found = self._open.get(name)
            if found is None or found.collection is not collection:
                if found is not None:
                    found.close()
                found = self._open[name] = CollectionStores.of(collection, self._limits)
            return found

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            for each in self._open.values():
                each.close()
            self._open.clear()
