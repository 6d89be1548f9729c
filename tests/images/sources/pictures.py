"""Pictures for the tests of sources: small, and each unlike the others."""

from __future__ import annotations

import random
from pathlib import Path

from mitame.images.candidate import Candidate, Refused, Source
from tests.images.hostile import encoded, sample


def picture(seed: int = 0) -> bytes:
    """A PNG of 24 x 16 pixels."""
    return encoded(sample(random.Random(seed), 24, 16), "png")


def write(folder: Path, *names: str) -> None:
    """Pictures under these names, with the folders that they need."""
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(seed))


def offered(source: Source) -> list[Candidate]:
    """Candidates only."""
    return [offer for offer in source if isinstance(offer, Candidate)]


def refused(source: Source) -> list[Refused]:
    """Refusals only."""
    return [offer for offer in source if isinstance(offer, Refused)]


def ids(source: Source) -> list[str]:
    """Ids of the candidates, in the source's order."""
    return [candidate.id for candidate in offered(source)]
