"""Sanny: cut the vectors into parts, search each, unite, and rank the union on all columns.

The engine of the founding talk (monochromegane, "Inside similar image search", 2018): the parts
are independent of each other, any engine may search any of them, and the number of candidates
does not grow with the number of rows. Beyond the talk's form, rows are elected by votes: in how
many parts each was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines.blob import Identity, seal, unseal
from mitame.engines.protocol import Abilities, Candidate, Engine, Index, Parts, Rows
from mitame.engines.sanny_index import SannyIndex, Spread
from mitame.engines.settings import Allowed, Common, Nested, Range, Word, check_rows, read
from mitame.errors import CorruptCollection, MissingExtra, UsageError

Find = Callable[[str], Engine]
_OWN: Mapping[str, Allowed] = {
    "parts": Range(4, 1, 64),
    "inner": Word("exact"),
    "inner_settings": Nested(),
    "top": Range(100, 1, 100_000),
    "votes": Range(1, 0, 1),
}
_WORTH_TRYING = ("hnsw", "ngt", "annoy")
"""Engines that gain by few columns, as far as they are installed."""


@dataclass(frozen=True)
class SannyEngine:
    """An engine of engines.

    Settings: ``parts`` (1 to 64), each of as many columns but the last; ``inner``, the engine of
    each part, and its ``inner_settings``; ``top``, how many rows each part answers; ``votes``, 1
    to rank only those found by most parts, 0 to rank all.

    Args:
        find: the engine of a name, as `mitame.engines.catalog.find`; it may be this one again.
    """

    find: Find = field(repr=False)
    name: str = "sanny"
    abilities: Abilities = field(
        default=Abilities(exact=False, distances=frozenset(DISTANCES), filters=True)
    )

    def check(self) -> None:
        """Nothing is missing: what the inner engine needs it says itself."""

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> BuiltSanny:
        """An index over float32[rows, dimension]; see `mitame.engines.protocol.Engine.build`.

        Raises:
            InvalidVector, UsageError: as the protocol says, also what the inner engine refuses.
            MissingExtra: the inner engine's library is not installed.
        """
        common, own = read(self.name, settings, _OWN)
        rows, known = check_rows(vectors, distance, self.abilities, common)
        inner = self.find(own["inner"])
        inner.check()
        if _inside(known) not in inner.abilities.distances:
            raise UsageError(
                f"engine {inner.name!r} can't search parts by {_inside(known)}",
                remedy="choose another inner engine",
            )
        own["parts"], width = _cut(rows.shape[1], own["parts"])
        searched = rows if common.trusted or known != "cosine" else normalise(rows)
        parts = [
            _built(inner, searched[:, b * width : (b + 1) * width], known, common, own)
            for b in range(own["parts"])
        ]
        return BuiltSanny(rows, known, parts, own, 0 if searched is rows else searched.nbytes)

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> BuiltSanny:
        """The index that gave these parts; see `mitame.engines.protocol.Engine.open`.

        Raises:
            CorruptCollection, MissingExtra: as the protocol says.
        """
        rows = np.asarray(vectors)
        facts, _ = unseal(Identity.of(self.name, rows, distance), parts)
        try:
            _, own = read(self.name, facts, _OWN)
            inner = self.find(own["inner"])
        except UsageError as error:
            raise CorruptCollection(
                f"the settings of the {self.name} index are damaged ({error.message})"
            ) from error
        count, width = _cut(rows.shape[1], own["parts"])
        opened = [
            inner.open(rows[:, b * width : (b + 1) * width], _inside(distance), _of(parts, b))
            for b in range(count)
        ]
        return BuiltSanny(rows, distance, opened, own)

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """Four parts, with each inner engine that is installed."""
        efforts = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
        return [
            Candidate(settings={"parts": 4, "inner": name}, efforts=efforts)
            for name in ("exact", *filter(self._has, _WORTH_TRYING))
        ]

    def _has(self, name: str) -> bool:
        try:
            self.find(name).check()
        except (UsageError, MissingExtra):
            return False
        return True


class BuiltSanny(SannyIndex):
    """An index whose parts are indexes here, so that it can be saved.

    Args:
        parts: index of each part.
        own: the engine's settings, complete.
        copied: bytes of rows made of length 1, where the rows were not.
    """

    def __init__(
        self,
        vectors: Rows,
        distance: Distance,
        parts: Sequence[Index],
        own: Mapping[str, Any],
        copied: int = 0,
    ) -> None:
        _, width = _cut(vectors.shape[1], own["parts"])
        super().__init__(vectors, distance, Spread(parts, width, own["top"], bool(own["votes"])))
        self._parts = parts
        self._own = own
        self._copied = copied

    @property
    def memory(self) -> int:
        """Bytes of all parts, and of a copy of the rows where one was needed."""
        return self._copied + sum(part.memory for part in self._parts)

    def save(self) -> Parts:
        """The parts' parts, each name with the number of its part before it."""
        identity = Identity.of("sanny", self._vectors, self._distance)
        saved = dict(seal(identity, self._own, {}))
        for b, part in enumerate(self._parts):
            saved |= {f"p{b}-{name}": array for name, array in part.save().items()}
        return saved


def _cut(dimension: int, parts: int) -> tuple[int, int]:
    """How many parts there are of how many columns: never an empty one, where the columns are
    used up before all parts have some."""
    width = max(1, -(-dimension // parts))
    return max(1, -(-dimension // width)), width


def _inside(distance: Distance) -> Distance:
    """By what parts are searched: parts of unit vectors are none, but their squared Euclidean
    distances add up to twice the cosine distance; inner products of parts add up, too."""
    return "inner_product" if distance == "inner_product" else "euclidean"


def _built(
    inner: Engine, columns: Rows, distance: Distance, common: Common, own: Mapping[str, Any]
) -> Index:
    """An index of one part. It is built over a copy of the part's columns, which goes again: what
    is kept looks at the columns where they lie."""
    settings = {"seed": common.seed, "threads": common.threads, **own["inner_settings"]}
    settings["trusted"] = True
    within = _inside(distance)
    built = inner.build(np.ascontiguousarray(columns), within, **settings)
    return inner.open(columns, within, built.save())


def _of(parts: Parts, part: int) -> Parts:
    prefix = f"p{part}-"
    return {name.removeprefix(prefix): a for name, a in parts.items() if name.startswith(prefix)}
