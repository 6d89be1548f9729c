"""Every engine by name. A new engine is one file beside this one, and its entry here.

An engine's file is imported when the engine is first asked for, so that a search by one engine
does not wait for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from mitame.engines.protocol import Engine
from mitame.errors import MissingExtra, UsageError


@dataclass(frozen=True)
class Entry:
    """What the catalogue knows of an engine before it is imported.

    Attributes:
        name: the engine's own.
        make: imports and makes it.
        summary: what it is, in one line.
        choose: when it is worth a try, in one line.
    """

    name: str
    make: Callable[[], Engine]
    summary: str
    choose: str

    @cached_property
    def engine(self) -> Engine:
        """The engine, always the same."""
        return self.make()

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


def _exact() -> Engine:
    from mitame.engines.exact import ExactEngine

    return ExactEngine()


def _cascade() -> Engine:
    from mitame.engines.cascade import CascadeEngine

    return CascadeEngine()


def _hnsw() -> Engine:
    from mitame.engines.hnsw import HnswEngine

    return HnswEngine()


def _ivfpq() -> Engine:
    from mitame.engines.ivfpq import IvfpqEngine

    return IvfpqEngine()


def _symphonyqg() -> Engine:
    from mitame.engines.symphonyqg import SymphonyqgEngine

    return SymphonyqgEngine()


def _sanny() -> Engine:
    from mitame.engines.sanny import SannyEngine

    return SannyEngine(find)


def _suco() -> Engine:
    from mitame.engines.suco import SucoEngine

    return SucoEngine()


def _ngt() -> Engine:
    from mitame.engines.ngt import NgtEngine

    return NgtEngine()


def _annoy() -> Engine:
    from mitame.engines.annoy import AnnoyEngine

    return AnnoyEngine()


ENTRIES: tuple[Entry, ...] = (
    Entry("exact", _exact, "looks at every row", "up to some ten thousand rows, and as the judge"),
    Entry(
        "cascade",
        _cascade,
        "short codes, then longer ones, then whole rows; our own",
        "from some thousand rows on: quick to build and to search, little RAM",
    ),
    Entry("hnsw", _hnsw, "graph in layers (faiss)", "the usual library graph; quick under filters"),
    Entry("ivfpq", _ivfpq, "lists of 4-bit codes (faiss)", "least memory: many rows, little RAM"),
    Entry(
        "symphonyqg",
        _symphonyqg,
        "graph whose edges carry codes (rabitqlib)",
        "quickest library, if RAM is plenty",
    ),
    Entry(
        "sanny",
        _sanny,
        "columns in equal parts, each searched, united by votes",
        "parts on several cores or machines",
    ),
    Entry(
        "suco",
        _suco,
        "collisions counted in parts of the columns",
        "quick to build, little RAM, no extra needed",
    ),
    Entry(
        "ngt",
        _ngt,
        "graph entered through a tree (NGT)",
        "where NGT is in use; one search at a time",
    ),
    Entry(
        "annoy", _annoy, "forest of random planes (Annoy)", "where Annoy is in use; few dimensions"
    ),
)


class _Engines(Mapping[str, Engine]):
    """The entries' engines; one is imported when it is asked for, none by asking for names."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    def __getitem__(self, name: str) -> Engine:
        return self._entries[name].engine

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


ENGINES: Mapping[str, Engine] = _Engines(ENTRIES)
