"""Every power cut in the publishing of a generation, and each mistake that one can make there."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from mitame.storage import Directory
from mitame.testing.faults import Faults, FaultyDirectory, PowerCut, Unsynced
from tests.storage.made import EFFECTS, PARTS, publish, shop

FATES: list[tuple[Unsynced, Unsynced, int]] = [
    *((b, n, 0) for b in ("dropped", "kept") for n in ("dropped", "kept")),
    *(("random", "random", seed) for seed in range(6)),
]


STEPS = ("file", "folder", "rename")


def is_whole(place: Path) -> bool:
    """Whether the current generation is there with all its bytes."""
    current = (place / "current").read_text()
    part = place / "snapshots" / current / "part"
    return part.exists() and part.read_bytes() == {"1": b"old", "2": b"".join(PARTS)}[current]


def outcomes(tmp_path: Path, run: Callable[[Directory], None]) -> list[bool]:
    """Whether all is whole after a power cut: at each call, for each effect and fate."""
    rehearsed = FaultyDirectory(shop(tmp_path / "rehearsed"))
    run(rehearsed)
    numbers, results = itertools.count(), []
    for at in range(1, len(rehearsed.faults.calls) + 1):
        for effect in EFFECTS:
            place = tmp_path / str(next(numbers))
            directory = FaultyDirectory(shop(place), Faults(cut_at=at, effect=effect))
            with pytest.raises(PowerCut):
                run(directory)
            for fate in FATES:
                after = tmp_path / str(next(numbers))
                directory.durable_copy(
                    after, unsynced_bytes=fate[0], unsynced_names=fate[1], seed=fate[2]
                )
                results.append(is_whole(after))
    return results


def test_what_is_done_right_survives_every_power_cut(tmp_path: Path) -> None:
    """Old or new, never a mix: at each call, however the cut turns out."""
    results = outcomes(tmp_path, publish)
    assert len(results) > 400
    assert all(results)


@pytest.mark.parametrize("step", STEPS)
def test_each_forgotten_sync_is_found(tmp_path: Path, step: str) -> None:
    """Without it some power cut leaves half a generation."""
    assert not all(outcomes(tmp_path, lambda directory: publish(directory, skip=step)))
