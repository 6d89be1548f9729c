"""A generation that a process has opened, and pinned so that nobody removes it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from mitame.collection.memory import SharedMemory
from mitame.collection.snapshot import Snapshot


@dataclass
class Served:
    """A generation that this process has opened and pinned.

    Attributes:
        generation: its number.
        snapshot: of it; None for generation 0.
        memory: what its views share.
        users: how many hold it now.
        stays: it is kept open when nobody does.
    """

    generation: int
    snapshot: Snapshot | None
    memory: SharedMemory
    users: int = 0
    stays: bool = True
    _pin: ExitStack = field(default_factory=ExitStack)

    @property
    def position(self) -> int:
        """Of the journal, at which the generation was made."""
        return 0 if self.snapshot is None else self.snapshot.position

    def covered_rows(self, lens: int) -> int:
        """How many rows of a lens's log its snapshot covers, by the lens's key."""
        return covered_rows([] if self.snapshot is None else [self.snapshot], lens)

    def leave(self) -> None:
        """It need not stay open: it is let go of now, or by the last one who holds it."""
        self.stays = False
        if not self.users:
            self.unpin()

    def unpin(self) -> None:
        """Let others remove it."""
        self._pin.close()


def covered_rows(snapshots: Sequence[Snapshot], key: int) -> int:
    """Rows of a lens's log that all of the snapshots cover, by the lens's key."""
    found = [snapshot.lenses.get(key) for snapshot in snapshots]
    return min((0 if lens is None else lens.log_rows for lens in found), default=0)
