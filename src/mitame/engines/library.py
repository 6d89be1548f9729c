"""What engines have in common that stand on another project's library.

The library proposes candidates; this file does the rest: settings, few rows, filters, exact
answers, saving and opening. An engine is then what it makes and loads (`LibraryEngine._make`,
`LibraryEngine._load`), and how its library is asked (`Native`).
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from mitame.distances import Distance
from mitame.engines.blob import Bytes, Identity, seal, unseal
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Abilities, Allow, Candidate, Parts, Rows
from mitame.engines.ranking import Ids
from mitame.engines.settings import Common, Range, check_rows, read
from mitame.errors import CorruptCollection, MissingExtra, MitameError, UsageError
from mitame.neighbors import Neighbors

SMALL = 64
"""Rows below which no library is asked: all are looked at."""
SPARE = 4
"""Candidates beyond k: a library's rounding may swap the last few."""
FLOATS_PER_THREAD = 1 << 20
"""Of rows, below which another thread costs a build more than it brings."""
_OVERFETCH = 1.25
"""Where the library knows no filter, so many times the candidates that should be enough."""


@dataclass(frozen=True)
class Asked:
    """What a library is asked for.

    Attributes:
        count: candidates per query, at least 1 and at most the number of rows.
        effort: 0 to 1, or the engine's default if None.
        share: of the rows that are allowed, above `mitame.engines.ranking.SCAN_BELOW`: below it
            no library is asked. What is swept grows with the root of 1 / share: fewer of the rows
            that are met may be answered, and the recall is then about what it is without a filter;
            growing with 1 / share itself overdoes it.
        allow: bool[rows], where the library filters by itself; else None.
    """

    count: int
    effort: float | None = None
    share: float = 1.0
    allow: Allow | None = None

    def swept(self, default: float, least: float, most: float) -> int:
        """From `least` at effort 0 to `most` at effort 1, by equal factors; more under a filter.

        Args:
            default: the engine's effort where none is said.
            least, most: what is swept, over all rows; above 0.
        """
        effort = default if self.effort is None else self.effort
        return round(float(least * (max(most, least) / least) ** effort / self.share**0.5))


class Native(Protocol):
    """An index of a library; immutable, safe to search from several threads."""

    @property
    def memory(self) -> int:
        """Bytes that it holds."""
        ...

    @property
    def filters(self) -> bool:
        """Whether `look` honours `allow`."""
        ...

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        """Per query about `asked.count` distinct candidates, the likeliest; -1 stands for none.

        Args:
            queries: float32[q, dimension], as they were asked.
            asked: for how many, and how hard to look.
        """
        ...

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        """Facts and blobs from which the engine loads it again."""
        ...


@dataclass(frozen=True)
class LibraryEngine(ABC):
    """A description of an algorithm of a library; see `mitame.engines.protocol.Engine`."""

    name: str
    abilities: Abilities

    module: ClassVar[str]
    """What is imported."""
    own: ClassVar[Mapping[str, Range]]
    """The engine's settings."""

    def check(self) -> None:
        """Look whether the library is there.

        Raises:
            MissingExtra: it is not; the error says what to install.
        """
        try:
            importlib.import_module(self.module)
        except ImportError as error:
            raise MissingExtra(f"engine {self.name!r}", self.abilities.extra) from error

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> LibraryIndex:
        """An index over float32[rows, dimension]; see `mitame.engines.protocol.Engine.build`.

        Raises:
            InvalidVector, UsageError, MissingExtra: as the protocol says.
        """
        common, own = read(self.name, settings, self.own)
        rows, known = check_rows(vectors, distance, self.abilities, common)
        self.check()
        identity = Identity.of(self.name, rows, known)
        if len(rows) < SMALL:
            return LibraryIndex(rows, identity, None)
        with _said_as(UsageError, f"engine {self.name!r} can't be built", "use other settings"):
            return LibraryIndex(rows, identity, self._make(rows, known, _eased(rows, common), own))

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> LibraryIndex:
        """The index that gave these parts; see `mitame.engines.protocol.Engine.open`.

        Raises:
            CorruptCollection, MissingExtra: as the protocol says.
        """
        self.check()
        rows = np.asarray(vectors)
        identity = Identity.of(self.name, rows, distance)
        facts, blobs = unseal(identity, parts)
        if len(rows) < SMALL:
            return LibraryIndex(rows, identity, None)
        remedy = CorruptCollection.default_remedy
        with _said_as(CorruptCollection, f"the {self.name} index can't be opened", remedy):
            return LibraryIndex(rows, identity, self._load(rows, distance, facts, blobs))

    @abstractmethod
    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:
        """Ways to build it over this many rows, cheapest first; the first is the default's."""

    @abstractmethod
    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        """The library's index over rows that were checked, at least `SMALL` of them."""

    @abstractmethod
    def _load(
        self, rows: Rows, distance: Distance, facts: Mapping[str, Any], blobs: Mapping[str, Bytes]
    ) -> Native:
        """The same from what `Native.save` gave; its checksums are right."""


class LibraryIndex(IndexedRows):
    """Rows with a library's index of them; see `mitame.engines.protocol.Index`.

    Args:
        vectors: float32[rows, dimension].
        identity: of what it is.
        native: None where there are few rows.
    """

    def __init__(self, vectors: Rows, identity: Identity, native: Native | None) -> None:
        super().__init__(vectors, identity.distance)
        self._identity = identity
        self._native = native

    @property
    def memory(self) -> int:
        """Bytes that the library holds."""
        return self._native.memory if self._native else 0

    def save(self) -> Parts:
        """The library's own bytes, sealed."""
        facts, blobs = self._native.save() if self._native else ({}, {})
        return seal(self._identity, facts, blobs)

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows that the library proposes, with exact distances.

        Raises:
            InvalidVector, UsageError: as `mitame.engines.protocol.Searchable.search` says.
        """
        queries = self._checked(queries, k, effort, allow)
        if self._native is None or self._should_scan(k, allow):
            return self._scan(queries, k, allow)
        return self._rank(queries, self._look(self._native, queries, k, effort, allow), k, allow)

    def _look(
        self, native: Native, queries: Rows, k: int, effort: float | None, allow: Allow | None
    ) -> Sequence[Ids]:
        count = min(k + SPARE, self.rows)
        share = 1.0 if allow is None else float(allow.mean())
        if allow is None or native.filters:
            found = native.look(queries, Asked(count, effort, share, allow))
            return [self._usable(ids, allow) for ids in found]
        more = min(int(count / share * _OVERFETCH), self.rows)
        found = native.look(queries, Asked(more, effort, share))
        return [self._usable(ids, allow)[:count] for ids in found]

    def _usable(self, ids: Ids, allow: Allow | None) -> Ids:
        """Those that are allowed rows: a library may give others, and padding."""
        ids = ids[(ids >= 0) & (ids < self.rows)]
        return ids if allow is None else ids[allow[ids]]


def _eased(rows: Rows, common: Common) -> Common:
    """No more threads than have something to do: idle ones spin, and take time from the others."""
    return replace(common, threads=max(1, min(common.threads, rows.size // FLOATS_PER_THREAD)))


@contextmanager
def _said_as(error: type[MitameError], message: str, remedy: str) -> Iterator[None]:
    """What the library raises becomes this error, with its first line."""
    try:
        yield
    except (MitameError, MemoryError):
        raise
    except Exception as found:
        line = (str(found).splitlines() or [type(found).__name__])[0][:200]
        raise error(f"{message} ({line})", remedy=remedy) from found
