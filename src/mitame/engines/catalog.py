"""Every engine by name. A new engine is one file beside this one and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mitame.engines.annoy import AnnoyEngine
from mitame.engines.cascade import CascadeEngine
from mitame.engines.exact import ExactEngine
from mitame.engines.hnsw import HnswEngine
from mitame.engines.ivfpq import IvfpqEngine
from mitame.engines.ngt import NgtEngine
from mitame.engines.protocol import Engine
from mitame.engines.sanny import SannyEngine
from mitame.engines.suco import SucoEngine
from mitame.engines.symphonyqg import SymphonyqgEngine
from mitame.errors import MissingExtra, UsageError


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        engine: the engine.
        summary: what it is, in one line.
        choose: when it is worth a try, in one line.
    """

    engine: Engine
    summary: str
    choose: str

    @property
    def name(self) -> str:
        """The engine's own."""
        return self.engine.name

    def available(self) -> bool:
        """Whether its library is installed."""
        try:
            self.engine.check()
        except MissingExtra:
            return False
        return True


def find(name: str) -> Engine:
    """The engine of this name.

    Raises:
        UsageError: no such engine.
    """
    if name not in ENGINES:
        raise UsageError(f"no engine {name!r}", remedy=f"use one of {', '.join(sorted(ENGINES))}")
    return ENGINES[name]


ENTRIES: tuple[Entry, ...] = (
    Entry(ExactEngine(), "looks at every row", "up to some ten thousand rows, and as the judge"),
    Entry(
        CascadeEngine(),
        "short codes, then longer ones, then whole rows; our own",
        "from some thousand rows on: quick to build and to search, little RAM",
    ),
    Entry(HnswEngine(), "graph in layers (faiss)", "the usual library graph; quick under filters"),
    Entry(IvfpqEngine(), "lists of 4-bit codes (faiss)", "least memory: many rows, little RAM"),
    Entry(
        SymphonyqgEngine(),
        "graph whose edges carry codes (rabitqlib)",
        "quickest library, if RAM is plenty",
    ),
    Entry(
        SannyEngine(find),
        "columns in equal parts, each searched, united by votes",
        "parts on several cores or machines",
    ),
    Entry(
        SucoEngine(),
        "collisions counted in parts of the columns",
        "quick to build, little RAM, no extra needed",
    ),
    Entry(
        NgtEngine(),
        "graph entered through a tree (NGT)",
        "where NGT is in use; one search at a time",
    ),
    Entry(
        AnnoyEngine(), "forest of random planes (Annoy)", "where Annoy is in use; few dimensions"
    ),
)

ENGINES: Mapping[str, Engine] = MappingProxyType({entry.name: entry.engine for entry in ENTRIES})
