"""The engine and its index: which rows are scanned how, and the true distances of what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mitame.distances import DISTANCES, Distance, norms
from mitame.engines.blob import HEAD, Identity, seal, unseal
from mitame.engines.exact.copies import Copy, encode, open_copy
from mitame.engines.exact.scanning import Scanned, candidates
from mitame.engines.exact.whole import Whole, tame
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Abilities, Allow, Candidate, Parts, Rows
from mitame.engines.ranking import Ids
from mitame.engines.settings import Word, check_rows, read
from mitame.neighbors import Neighbors

_GATHER_BELOW = 0.3
"""Share of allowed rows below which copying them out costs less than looking at all."""


@dataclass(frozen=True)
class ExactEngine:
    """Looks at every row: the rows themselves, or a smaller copy with known errors.

    Its setting ``dtype`` says which: ``float32`` keeps nothing; ``float16`` and ``int8`` keep a
    copy of half and a quarter of the size in memory, so that the rows may stay on the disk. The
    answer is the same.
    """

    name: str = "exact"
    abilities: Abilities = field(
        default=Abilities(exact=True, distances=frozenset(DISTANCES), filters=True, maps=True)
    )

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> ExactIndex:
        """An index over the rows, which it keeps by reference and never changes.

        Raises:
            InvalidVector: not a finite array of rows.
            UsageError: another setting or distance.
        """
        own = {"dtype": Word("float32", ("float32", "float16", "int8"))}
        common, values = read(self.name, settings, own)
        rows, known = check_rows(vectors, distance, self.abilities, common)
        whole = Whole(rows, known, unit=common.trusted and known == "cosine")
        copy = None
        if values["dtype"] != "float32" and whole.is_tame:
            copy = encode(rows, known, values["dtype"], common.threads)
        return ExactIndex(whole, copy)

    def check(self) -> None:
        """Nothing is missing: NumPy is all it needs."""

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> ExactIndex:
        """An index over rows that were checked when written.

        Raises:
            CorruptCollection: the parts are not what an index over these rows saves.
        """
        rows = np.asarray(vectors)
        if not parts:
            return ExactIndex(Whole(rows, distance, unit=False))
        facts, _ = unseal(Identity.of(self.name, rows, distance), parts)
        whole = Whole(rows, distance, unit=facts.get("unit") is True and distance == "cosine")
        arrays = {name: array for name, array in parts.items() if name != HEAD}
        return ExactIndex(whole, open_copy(rows, distance, arrays) if facts.get("copy") else None)

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """The rows themselves, and the copy that is read in a quarter of the time."""
        return (
            Candidate(efforts=(1.0,)),
            Candidate(settings={"dtype": "int8"}, efforts=(1.0,)),
        )


class ExactIndex(IndexedRows):
    """Rows and a distance; see `mitame.engines.protocol.Index`."""

    def __init__(self, whole: Whole, copy: Copy | None = None) -> None:
        super().__init__(whole.vectors, whole.distance)
        self._whole = whole
        self._copy = copy

    @property
    def memory(self) -> int:
        """Bytes of the copy; nothing where the rows themselves are scanned."""
        return 0 if self._copy is None else self._copy.memory

    def save(self) -> Parts:
        """The copy, where there is one; and whether all rows are known to be of length 1."""
        if self._copy is None and not self._whole.unit:
            return {}
        identity = Identity.of("exact", self._vectors, self._distance)
        facts = {"unit": self._whole.unit, "copy": self._copy is not None}
        arrays = {} if self._copy is None else self._copy.parts()
        return {**seal(identity, facts, {}), **arrays}

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query; `effort` changes nothing, all rows are looked at.

        Raises:
            InvalidVector: wrong dimension, NaN or infinity.
            UsageError: k below 1, effort outside 0 to 1, or `allow` of another shape.
        """
        queries = self._checked(queries, k, effort, allow)
        return self._rank(queries, self._candidates(queries, k, allow), k, allow)

    def _candidates(self, queries: Rows, k: int, allow: Allow | None) -> list[Ids]:
        """Per query, ids ascending among which the k nearest surely are."""
        ids = np.arange(self.rows) if allow is None else np.flatnonzero(allow)
        usable = tame(norms(queries))
        if len(ids) <= k or not usable.any() or not (self._copy or self._whole.is_tame):
            return [ids] * len(queries)
        few = allow is not None and len(ids) <= int(self.rows * _GATHER_BELOW)
        near = iter(
            candidates(
                self._scanned,
                queries[usable],
                k,
                only=ids if few else None,
                allow=None if few else allow,
            )
        )
        return [next(near) if known else ids for known in usable]

    @property
    def _scanned(self) -> Scanned:
        return self._whole if self._copy is None else self._copy
