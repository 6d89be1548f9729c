"""When a merge is worth its work. Pure: counts in, a reason out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeltaCounts:
    """How much has happened since the snapshot that is served.

    Attributes:
        items: changes of items.
        bytes: of the vectors in the delta, dead ones too.
        masked: share of the snapshot's rows that are dead, 0 to 1.
        age_seconds: since the oldest of these changes; 0 where there is none.
        base_items: items in the snapshot.
    """

    items: int
    bytes: int
    masked: float
    age_seconds: float
    base_items: int


@dataclass(frozen=True)
class MergePolicy:
    """From when on a merge is due; any one is enough.

    A merge writes the whole snapshot anew. Waiting for a share of it to change keeps the bytes
    written per change bounded: with a tenth, each item is written about ten times on the way to
    twice the size, however large the collection is.

    Attributes:
        items: at least so many changes, and at least
        share: so many per item of the snapshot.
        bytes: so many bytes of vectors in the delta, which every query reads.
        masked: such a share of the snapshot's rows dead.
        age_seconds: the oldest change is so old.
    """

    items: int = 1_000
    share: float = 0.1
    bytes: int = 512 << 20
    masked: float = 0.2
    age_seconds: float = 86_400.0


def should_merge(counts: DeltaCounts, policy: MergePolicy) -> str | None:
    """Why a merge is due, in words; None where it isn't."""
    if not counts.items:
        return None
    if counts.items >= max(policy.items, policy.share * counts.base_items):
        return f"{counts.items} changes since a snapshot of {counts.base_items} items"
    if counts.bytes >= policy.bytes:
        return f"{counts.bytes / 1e6:.0f} MB of vectors are not in the snapshot"
    if counts.masked >= policy.masked:
        return f"{counts.masked:.0%} of the snapshot's rows are dead"
    if counts.age_seconds >= policy.age_seconds:
        return f"the oldest change is {counts.age_seconds / 3_600:.1f} hours old"
    return None
