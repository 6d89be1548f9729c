"""A lens: one way of being alike, which a collection keeps vectors for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mitame.distances import check_distance
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import UsageError

MAX_DIMENSION = 65_536
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Lens:
    """A name and the spec of the embedder whose vectors it holds.

    Attributes:
        name: 1 to 64 of ``a-z 0-9 . _ -``, the first a letter or digit.
        spec: its dimension is 1 to 65,536.

    Raises:
        UsageError: a name, dimension or distance that can't be one.
    """

    name: str
    spec: EmbedderSpec

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} can't be the name of a lens",
                remedy="use 1 to 64 small letters, digits, '.', '_' or '-'",
            )
        if not 1 <= self.spec.dimension <= MAX_DIMENSION:
            raise UsageError(
                f"lens {self.name!r} has {self.spec.dimension} dimensions",
                remedy=f"use 1 to {MAX_DIMENSION}",
            )
        check_distance(self.spec.distance)
