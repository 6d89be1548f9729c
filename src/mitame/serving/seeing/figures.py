"""What the runner knows of each collection, for whoever is asked for metrics."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from mitame.api import Collection
from mitame.collection import DeltaCounts, View, index_status
from mitame.collection.delta import delta_counts

FILE = "figures.json"
STALE_SECONDS = 60.0
"""Figures that are older are not told: their runner has gone."""


class Figures(msgspec.Struct, frozen=True):
    """A collection in numbers.

    Attributes:
        items: how many.
        position: of the journal.
        generation: of the snapshot that is served.
        delta_items: changes that no snapshot has yet.
        delta_bytes: bytes of their vectors.
        recalls: measured recall of each lens' index; left out where nothing was measured.
    """

    items: int
    position: int
    generation: int
    delta_items: int
    delta_bytes: int
    recalls: dict[str, float]


class Page(msgspec.Struct, frozen=True):
    """The figures of all collections at one time, in seconds since 1970."""

    at: float
    collections: dict[str, Figures]


def figures_of(collection: Collection, before: Figures | None) -> tuple[Figures, DeltaCounts]:
    """A collection in numbers, and what a merge's policy asks for.

    Args:
        collection: which.
        before: what was found the last time: the same, where nothing has happened since.
    """
    with collection.store.pin() as view:
        counts = delta_counts(view, time.time())
        now = (view.position, view.generation)
        if before is not None and (before.position, before.generation) == now:
            return before, counts
        return (
            Figures(
                items=view.count(),
                position=view.position,
                generation=view.generation,
                delta_items=counts.items,
                delta_bytes=counts.bytes,
                recalls=_recalls(view),
            ),
            counts,
        )


def write_figures(folder: Path, collections: Mapping[str, Figures]) -> None:
    """Write the figures; the file appears whole or not at all. A full disk is no matter here."""
    part = folder / f".{FILE}"
    try:
        part.write_bytes(msgspec.json.encode(Page(time.time(), dict(collections))))
        part.replace(folder / FILE)
    except OSError:
        part.unlink(missing_ok=True)


def read_figures(folder: Path) -> dict[str, Figures]:
    """The figures by collection; none where no runner has written any lately."""
    try:
        page = msgspec.json.decode((folder / FILE).read_bytes(), type=Page)
    except (OSError, msgspec.DecodeError):
        return {}
    return page.collections if time.time() - page.at < STALE_SECONDS else {}


def _recalls(view: View) -> dict[str, float]:
    found = {name: index_status(view, name) for name in view.lenses}
    return {
        name: status.facts.recall
        for name, status in found.items()
        if status.facts is not None and status.is_built and status.facts.sample
    }


def process_figures(pid: int) -> tuple[int, int] | None:
    """Bytes of memory and open files of a process; None where the system doesn't say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE"), files
