"""The index of the older snapshot, as far as a merge can go on with it instead of building anew.

An index that follows its rows step by step is never quite the one that would be built over them.
So all that came or went since it was built anew is counted, and a quarter of the rows is the most;
what is built in all then grows with the rows, and not with the number of merges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from mitame.collection.base_index import ABOUT, KIND, IndexFacts
from mitame.collection.choice import Choice
from mitame.collection.derived import Derivation
from mitame.collection.snapshot import SnapshotLens
from mitame.distances import Distance
from mitame.engines.protocol import Engine, ExtendingEngine, Index, Kept, Parts, Rows
from mitame.errors import CorruptCollection, MitameError, StorageError, UsageError

MOST_CHANGED = 0.25
"""Share of the rows that may have come or gone since the index was built anew."""
LOST_RECALL = 0.005
"""Recall that an extended index may lose where it then misses what was wished for."""
MORE_EFFORT = 0.1
"""Effort that an extended index may take beyond what the older one took."""


@dataclass(frozen=True)
class OlderIndex:
    """The index over a lens's rows in the snapshot that is served until the merge is done.

    Attributes:
        facts: about it.
        parts: what the engine's index saved; as they were written, mapped.
        kept: int64[older rows], each one's number in the new snapshot, -1 where it is gone.
        changed: rows that came or went since it was built anew, the new snapshot's included.
    """

    facts: IndexFacts
    parts: Parts
    kept: Kept
    changed: int

    def extended(
        self, engine: Engine, vectors: Rows, distance: Distance, **settings: Any
    ) -> Index | None:
        """The same index over the new snapshot's rows; None where the engine can't do it.

        Args:
            engine: one that `older_index` has let pass.
            vectors, distance, settings: as for `Engine.build`.

        Raises:
            StorageError: the disk is full or read-only.
        """
        able = cast(ExtendingEngine, engine)
        try:
            return able.extend(vectors, distance, self.parts, self.kept, **settings)
        except StorageError:
            raise
        except (MitameError, MemoryError):  # building anew may need less, and tells what is wrong
            return None

    def is_worse(self, facts: IndexFacts) -> bool:
        """Whether extending has cost what is wished for: recall, or the effort that reaches it."""
        lost = self.facts.recall - facts.recall
        if facts.recall < facts.wanted.recall and lost > LOST_RECALL:
            return True
        before, now = self.facts.effort, facts.effort
        if now is None or facts.wanted.effort != self.facts.wanted.effort:
            return False
        return before is None or now > before + MORE_EFFORT


def older_index(derivation: Derivation, wanted: Choice, engine: Engine) -> OlderIndex | None:
    """What a merge can extend; None where the index is to be built anew.

    That is so where the engine can't extend, where there was no such index, it was built with
    other settings or is damaged, and where too much has changed since it was built.
    """
    stored = derivation.base.stored
    if not engine.abilities.extends or stored is None or derivation.afresh:
        return None
    if stored.vectors.dtype != np.float32:
        return None
    kept = derivation.kept()
    changed, most = _changed(derivation, kept), MOST_CHANGED * len(derivation.plan.rows)
    if changed > most:  # known before gigabytes are read to see whether they are whole
        return None
    try:
        facts, parts = _whole(stored, wanted)
    except MitameError:
        return None
    changed += facts.extended
    return OlderIndex(facts, parts, kept, changed) if changed <= most else None


def _changed(derivation: Derivation, kept: Kept) -> int:
    """Rows that came or went since the older snapshot; a row for another counts once."""
    staying = int(np.count_nonzero(kept >= 0))
    return max(len(derivation.plan.rows), len(kept)) - staying


def _whole(stored: SnapshotLens, wanted: Choice) -> tuple[IndexFacts, Parts]:
    """The index that is wanted, when every byte is as it was written: damage must not go on."""
    parts = dict(stored.optional(KIND))
    about = parts.pop(ABOUT, None)
    where = f"the index of lens {stored.name!r}"
    if about is None:
        raise CorruptCollection(f"{where} is not there")
    facts = IndexFacts.from_part(about, where)
    before = facts.wanted.engine, facts.wanted.settings
    if facts.problem or facts.rows != stored.count or before != (wanted.engine, wanted.settings):
        raise UsageError(f"{where} is another one")
    stored.check_optional(KIND)
    return facts, parts
