"""What a merge makes from a lens's vectors once they are written: one step after another.

A step gets a `Derivation` and writes optional parts through it. It runs outside of any
transaction. A merge that was killed runs every step again, which finds what it has written
(`OptionalParts.read`) and keeps it where it is what it would make again. A step may use what
those before it have made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base import Base
from mitame.collection.lens_table import StoredLens
from mitame.collection.snapshot import LensPlan, OptionalParts, SnapshotBuilder


@dataclass(frozen=True)
class Derivation:
    """One lens of a snapshot that is being built.

    Attributes:
        lens: as the database has it.
        plan: its rows in the snapshot: ``rows`` int64[n], of the log, and ``owners`` int64[n].
        base: its rows in the snapshot that is served until then, with what was made from those.
        builder: of the snapshot.
        neighbors: how many the neighbour table is to have, 0 for no table; as before where None.
        afresh: what the served snapshot has made is not to be gone on with.
        on_share: called with how much of the step is done, 0 to 1.
    """

    lens: StoredLens
    plan: LensPlan
    base: Base
    builder: SnapshotBuilder
    neighbors: int | None
    afresh: bool
    on_share: Callable[[float], None]

    def vectors(self) -> NDArray[np.float32] | NDArray[np.float16]:
        """float32 or float16[n, dimension] in the order of the plan; mapped, read-only.

        Don't keep it beyond the step: the folder is renamed afterwards.
        """
        return self.builder.vectors(self.plan.key)

    def kept(self) -> NDArray[np.int64]:
        """int64[base rows]: where each row of the base stands in the plan, -1 where it is gone."""
        rows, older = self.plan.rows, self.base.rows
        places = np.searchsorted(rows, older)
        there = places < len(rows)
        there[there] = rows[places[there]] == older[there]
        return np.where(there, places, -1)

    def parts(self, kind: str) -> OptionalParts:
        """Where to write, and what an interrupted merge has written already.

        Args:
            kind: ``index``, ``neighbors``.
        """
        return OptionalParts(self.builder, self.plan.key, kind)


Step: TypeAlias = Callable[[Derivation], None]
