"""What an engine is: a description that builds and opens immutable indexes.

An index keeps the rows that it was built over by reference (they are mapped) and answers with
exact distances, computed from those rows: what an algorithm estimates only chooses candidates.
What it needs beside the rows it gives as *parts*, named arrays that a snapshot stores and maps
again; so no engine has a file format of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance
from mitame.neighbors import Neighbors

Allow = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.float32]
Parts: TypeAlias = Mapping[str, NDArray[Any]]
"""Arrays by name (lower-case letters, digits and hyphens, at most 40): uint8, int32, int64, float16
or float32 with one or two axes. Opened ones are mapped and read-only, and may be damaged."""
Kept: TypeAlias = NDArray[np.int64]
"""The new number of each older row, -1 where it is gone."""
Settings: TypeAlias = Mapping[str, Any]
"""How an index is built, beside the rows: what JSON can hold."""


class Searchable(Protocol):
    """Rows that can be searched; immutable, safe to search from several threads."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query.

        Args:
            queries: float32[q, dimension]; never changed.
            k: at least 1; may exceed the number of rows (the answer is padded).
            effort: how hard to look, from 0 (quickest) to 1 (all); the engine's default if None.
            allow: bool[rows]; rows that may be answered. k rows come whenever k are allowed.

        Raises:
            InvalidVector: wrong dimension, NaN or infinity.
            UsageError: k below 1, effort outside 0 to 1, or `allow` of another shape.
        """
        ...


class Index(Searchable, Protocol):
    """Built by an engine over the rows of one snapshot."""

    @property
    def dimension(self) -> int:
        """Floats per row."""
        ...

    @property
    def memory(self) -> int:
        """Bytes that it needs in memory to be quick, without the rows themselves."""
        ...

    def save(self) -> Parts:
        """What `Engine.open` needs to make this index again over the same rows."""
        ...


@dataclass(frozen=True)
class Abilities:
    """What an engine declares that it can do.

    Attributes:
        exact: the answer is the true one.
        distances: which distances it can index.
        filters: honours `allow`.
        extra: the extra of this package that brings its library; "" where none is needed.
        deterministic: the same rows, settings and seed give an index that answers the same, on
            any number of threads; without it they do on one thread only, if it is `seeded`.
        seeded: its chance comes from the seed; without it no two builds are alike.
        maps: opening copies no part and reads none whole.
        releases_gil: a search leaves the interpreter to other threads while it looks.
        extends: it is an `ExtendingEngine`: an index can follow its rows without being built anew.
    """

    exact: bool
    distances: frozenset[Distance]
    filters: bool = True
    extra: str = ""
    deterministic: bool = True
    seeded: bool = True
    maps: bool = False
    releases_gil: bool = True
    extends: bool = False


@dataclass(frozen=True)
class Candidate:
    """A way to build an index that is worth measuring.

    Attributes:
        settings: for `Engine.build`.
        efforts: for `Index.search`, ascending; what is swept when it is measured.
    """

    settings: Settings = field(default_factory=dict)
    efforts: tuple[float, ...] = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)


class Engine(Protocol):
    """A frozen description of an algorithm."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it can do; what it can't is refused before any state changes."""
        ...

    def check(self) -> None:
        """Look whether its library is there.

        Raises:
            MissingExtra: it is not; the error says what to install.
        """
        ...

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> Index:
        """An index over float32[rows, dimension]; the rows may be mapped and are never changed.

        Args:
            vectors: float32[rows, dimension], of any length each, also under cosine.
            distance: which.
            settings: the engine's own; and for every engine ``seed`` (int, 0) and ``threads`` (int,
                0 for all cores), and ``trusted=True``: the rows are known to be finite and, for
                cosine, of length 1.

        Raises:
            InvalidVector: not a finite array of rows.
            UsageError: a setting or distance that it doesn't have.
            MissingExtra: its library is not installed.
        """
        ...

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> Index:
        """The index that gave these parts, over the same rows; both are mapped, not read.

        Args:
            vectors: float32[rows, dimension]; under cosine of length 1, as collections keep them.
            distance: the one that it was built for.
            parts: what `Index.save` gave.

        Raises:
            CorruptCollection: the parts are not what an index over these rows saves. Damage that
                would lead out of an array is always found, here or at a search.
            MissingExtra: its library is not installed.
        """
        ...

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:
        """Ways to build it over this many rows, cheapest first; the first is the default's."""
        ...


class ExtendingEngine(Engine, Protocol):
    """An engine whose indexes can follow their rows; what `Abilities.extends` declares."""

    def extend(
        self, vectors: Rows, distance: Distance, parts: Parts, kept: Kept, **settings: Any
    ) -> Index:
        """The index over new rows, made from one over older rows, most of which are still there.

        What it answers is held to the same laws as what `build` makes. It may build anew where
        that is better, and its parts may be larger than those of an index that was built anew.

        Args:
            vectors: float32[rows, dimension], the new rows, as `build` takes them.
            distance: the one that the older index was built for.
            parts: what the older index's `save` gave, maybe mapped; never changed. They may be
                those of an index that was extended itself.
            kept: int64[older rows], the new number of each older row, which has the same floats
                there; -1 where it is gone. Those that stay keep their order. Rows that no older
                one became are new; in a merge they stand last.
            settings: those that the older index was built with; `threads` and `trusted` as now.

        Raises:
            CorruptCollection: the parts are not what an index over so many older rows saves.
            InvalidVector, UsageError, MissingExtra: as `build`; UsageError also for a `kept` of
                another type, shape, range or order (see `mitame.engines.extending`).
        """
        ...
