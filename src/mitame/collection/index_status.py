"""What is known of the index that serves a lens, for people who look after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mitame.collection.base_index import IndexFacts
from mitame.collection.choice import Choice
from mitame.collection.view import View


@dataclass(frozen=True)
class IndexStatus:
    """The index of a lens in the snapshot that is served.

    Attributes:
        engine: what answers now.
        exact: its answers are the true ones.
        facts: how it was built and how it did then; None where there is none and none is needed.
        note: why what was built, or wanted, does not answer; None where all is well.
        pending: what was chosen, and serves from the next merge on; None where it does already.
    """

    engine: str
    exact: bool
    facts: IndexFacts | None
    note: str | None
    pending: Choice | None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; what was measured is null where nothing was built."""
        facts = self.facts if self.is_built else None
        return {
            "engine": self.engine,
            "exact": self.exact,
            "settings": None if facts is None else dict(facts.wanted.settings),
            "effort": None if facts is None else facts.effort,
            "recall": None if facts is None else facts.recall,
            "k": None if facts is None else facts.wanted.k,
            "sample": None if facts is None else facts.sample,
            "build_seconds": None if facts is None else facts.build_seconds,
            "memory": None if facts is None else facts.memory,
            "rows": None if facts is None else facts.rows,
            "why": None if facts is None else facts.wanted.why,
            "chosen": facts is not None and facts.chosen,
            "note": self.note,
            "pending": None if self.pending is None else self.pending.as_dict(),
        }

    @property
    def is_built(self) -> bool:
        """What was wanted is there and answers."""
        return self.facts is not None and self.note is None


def index_status(view: View, lens: str) -> IndexStatus:
    """The index of a lens in a view.

    Raises:
        UnknownLens: no such lens.
    """
    index, choice = view.base_index(lens), view.stored[lens].choice
    facts, note = index.facts, index.problem
    engine = facts.engine if facts is not None and note is None else "exact"
    return IndexStatus(engine, index.is_exact, facts, note, _pending(choice, facts))


def _pending(choice: Choice | None, facts: IndexFacts | None) -> Choice | None:
    """The choice, where the snapshot was made before it."""
    if choice is None or (facts is None and choice.is_plain):
        return None
    return choice if facts is None or facts.wanted != choice else None
