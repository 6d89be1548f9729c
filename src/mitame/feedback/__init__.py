"""What users did with answers: kept durably beside a collection's items, to be learnt from.

``feedback.sqlite3`` in the collection's directory holds events (shown, clicked, bought, judged),
each synced before it is acknowledged, and the questions that they are about. ``queries.sqlite3``
holds the questions of the last time, a bounded number of bytes: there, feedback finds what its
``query_id`` means.

``decisions.sqlite3`` holds what was decided about near-copies, ``comparisons.sqlite3`` votes on two
answers to the same question.

A collection is whole without any of them. Learning needs pairs of what was asked and what was
chosen or passed over: so an event keeps the question's items or vectors, the lens and its
spec's fingerprint (vectors of two specs never meet), and the ids that were answered.
"""

from __future__ import annotations

from mitame.feedback.comparisons import Comparison, ComparisonStore, Side
from mitame.feedback.decided import Decided, Decision
from mitame.feedback.decisions import DecisionStore
from mitame.feedback.events import EVENT_TYPES, VALUES, Event, StoredEvent
from mitame.feedback.question import AskedQuestion
from mitame.feedback.recent import RecentQueries
from mitame.feedback.store import ANSWER_OF, FeedbackStore

__all__ = [
    "ANSWER_OF",
    "EVENT_TYPES",
    "VALUES",
    "AskedQuestion",
    "Comparison",
    "ComparisonStore",
    "Decided",
    "Decision",
    "DecisionStore",
    "Event",
    "FeedbackStore",
    "RecentQueries",
    "Side",
    "StoredEvent",
]
