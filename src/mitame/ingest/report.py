"""What an index run did, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from mitame.images.candidate import Refused

Outcome = Literal["added", "replaced", "touched", "moved", "updated", "unchanged"]


@dataclass
class Progress:
    """Where a run is; handed to the progress callback after every item and every refusal.

    Attributes:
        done: images looked at so far, whatever became of them.
        total: images on offer, once they have been counted.
    """

    done: int = 0
    total: int | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Shown:
    """How many items' pictures have thumbnails of the page's sizes.

    Attributes:
        there: they have.
        lacking: they have not: there was no room, or the picture can't be read any more.
    """

    there: int
    lacking: int


@dataclass
class IndexReport:
    """The counts of one run.

    Items are counted, not images: one on offer is in at most one of the first six counts. An
    item of several images, some of which were refused, may be counted while they are listed in
    `refused`; one that was refused as a whole is in no count.

    Attributes:
        added: items that are new.
        replaced: items of which an image changed.
        touched: items whose file has a new time or size on disk but the same content.
        moved: items whose file was found again under another name; not embedded again.
        updated: items whose category or attributes changed, the images not.
        unchanged: items whose files were skipped without being read.
        removed: items whose file vanished (only when pruning).
        vanished: items whose file vanished and that were kept.
        refused: every place that gave no picture, with its reason; also each source as a whole
            that broke off.
        passed_over: other files in folders, which are no pictures by their name.
        seconds: wall time.
        embedded: images that went through the embedders.
        interrupted: stopped by Ctrl-C; what is counted here is kept all the same.
        thumbnails: where they were wanted, how many there are.
    """

    added: int = 0
    replaced: int = 0
    touched: int = 0
    moved: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    vanished: int = 0
    embedded: int = 0
    passed_over: int = 0
    refused: list[Refused] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    thumbnails: Shown | None = None
    _started: float = field(default_factory=time.perf_counter, repr=False)

    def count(self, outcome: Outcome, images: int = 1) -> None:
        """Add to one of the counts."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        if outcome in ("added", "replaced"):
            self.embedded += images

    def finish(self) -> None:
        """Stop the clock."""
        self.seconds = time.perf_counter() - self._started

    @property
    def images_per_second(self) -> float:
        """Images embedded per second of wall time."""
        return self.embedded / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """The counts, with the number of refusals in place of their list."""
        names = ("added", "replaced", "touched", "moved", "updated", "unchanged")
        counts: dict[str, Any] = {name: getattr(self, name) for name in names}
        counts |= {"removed": self.removed, "vanished": self.vanished}
        counts |= {"refused": len(self.refused), "passed_over": self.passed_over}
        counts |= {"interrupted": self.interrupted}
        counts |= {"seconds": round(self.seconds, 3)}
        return counts | {"images_per_second": round(self.images_per_second, 1)}
