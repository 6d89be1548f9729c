"""When a merge is due."""

from __future__ import annotations

import pytest

from mitame.collection import DeltaCounts, MergePolicy, should_merge

POLICY = MergePolicy(items=10, share=0.1, bytes=1_000, masked=0.2, age_seconds=60)


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        (DeltaCounts(0, 5_000, 0.9, 900, 0), None),
        (DeltaCounts(9, 0, 0, 0, 0), None),
        (DeltaCounts(10, 0, 0, 0, 0), "10 changes"),
        (DeltaCounts(10, 0, 0, 0, 101), None),
        (DeltaCounts(11, 0, 0, 0, 101), "11 changes"),
        (DeltaCounts(1, 1_000, 0, 0, 1_000), "MB"),
        (DeltaCounts(1, 999, 0.2, 0, 1_000), "20% of the snapshot's rows"),
        (DeltaCounts(1, 999, 0.19, 60, 1_000), "hours"),
        (DeltaCounts(1, 999, 0.19, 59, 1_000), None),
    ],
)
def test_when_a_merge_is_due(counts: DeltaCounts, word: str | None) -> None:
    """From each of the four limits on, and not below; never where nothing has changed."""
    reason = should_merge(counts, POLICY)
    assert (reason is None) if word is None else (reason is not None and word in reason)
