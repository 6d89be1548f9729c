"""The index over a snapshot's rows: an engine's, and an exact scan that stands by.

What an engine built is derived from the vectors. Where its parts are damaged, or its library is
not installed here, nothing is lost: the rows are searched exactly, which is right and slower, and
`problem` says why. A collection that answers slowly is worth more than one that refuses.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.choice import Choice
from mitame.collection.composite import HalfIndex, exact_index
from mitame.collection.snapshot import SnapshotLens, as_json, from_json
from mitame.collection.snapshot.part import Array
from mitame.distances import Distance
from mitame.engines.catalog import find
from mitame.engines.protocol import Allow, Parts, Rows, Searchable
from mitame.errors import CorruptCollection, InvalidVector, MitameError, UsageError
from mitame.neighbors import Neighbors

Stored: TypeAlias = NDArray[np.float32] | NDArray[np.float16]
KIND = "index"
ABOUT = "about.json"
_FORMAT = 1


@dataclass(frozen=True)
class IndexFacts:
    """What is known of an index in a snapshot.

    Attributes:
        wanted: what was to be built.
        chosen: that was chosen by somebody, and not by the number of rows.
        engine: what was built; ``exact`` where that was not possible.
        effort: how hard it is searched; the engine's default where None.
        recall: share of the true `wanted.k` nearest that it found when it was built, 0 to 1.
        sample: how many rows were asked for it; 0 where nothing was built.
        build_seconds: wall time of the build.
        memory: bytes that it needs to be quick, without the vectors.
        rows: how many it was built over.
        problem: why what was wanted was not built; None where it was.
        extended: rows that came or went since it was built anew; 0 where it was.
    """

    wanted: Choice
    chosen: bool
    engine: str
    effort: float | None
    recall: float
    sample: int
    build_seconds: float
    memory: int
    rows: int
    problem: str | None = None
    extended: int = 0

    def to_part(self) -> Array:
        """As the description that a snapshot keeps.

        Raises:
            UsageError: the settings have what JSON can't hold.
        """
        return as_json({"format": _FORMAT, **asdict(self), "wanted": self.wanted.as_dict()})

    @classmethod
    def from_part(cls, array: Array, where: str) -> IndexFacts:
        """What `to_part` made.

        Raises:
            CorruptCollection: it is something else, or of a later format.
        """
        content: dict[str, Any] = from_json(array, where)
        try:
            if content["format"] != _FORMAT:
                raise CorruptCollection(f"{where}: its description is of another version of mitame")
            effort, problem = content["effort"], content["problem"]
            return cls(
                Choice.from_dict(content["wanted"]),
                bool(content["chosen"]),
                str(content["engine"]),
                None if effort is None else float(effort),
                float(content["recall"]),
                int(content["sample"]),
                float(content["build_seconds"]),
                int(content["memory"]),
                int(content["rows"]),
                None if problem is None else str(problem),
                int(content.get("extended", 0)),
            )
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise CorruptCollection(f"{where}: its description can't be right") from error


class BaseIndex:
    """Rows of a snapshot, searched by the engine that was chosen or exactly; see `Searchable`.

    Args:
        exact: an exact index over the same rows.
        index: the engine's, where there is one that can be used.
        facts: about it; None where the snapshot has none.
        problem: why there is no index to be used although the snapshot has one.
        is_true: the engine's answers are the true ones, too.
    """

    def __init__(
        self,
        exact: Searchable,
        index: Searchable | None = None,
        facts: IndexFacts | None = None,
        problem: str | None = None,
        *,
        is_true: bool = False,
    ) -> None:
        self.exact = exact
        self.facts = facts
        self.problem = problem
        self._index = index
        self._is_true = is_true

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.exact.rows

    @property
    def is_exact(self) -> bool:
        """Answers are the true ones."""
        return self._index is None or self._is_true

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query; `effort` is the chosen one where left out."""
        index = self._index
        if index is not None:
            chosen = self.facts.effort if effort is None and self.facts is not None else effort
            try:
                return index.search(queries, k, effort=chosen, allow=allow)
            except (UsageError, InvalidVector):
                raise
            except MitameError as error:  # damage that opening could not see
                self._index, self.problem = None, error.message
        return self.exact.search(queries, k, effort=effort, allow=allow)


def open_base(stored: SnapshotLens | None, dimension: int, distance: Distance) -> BaseIndex:
    """The index over a lens's rows in a snapshot; never an error of the index's own parts.

    Args:
        stored: the snapshot's; None where it has no such lens.
        dimension, distance: the lens's.
    """
    if stored is None:
        return BaseIndex(exact_index(np.empty((0, dimension), np.float32), distance))
    try:
        parts = stored.optional(KIND)
    except MitameError as error:
        return BaseIndex(_scanned(stored.vectors, distance), problem=error.message)
    return open_index(stored.vectors, distance, parts, f"lens {stored.name!r}")


def open_index(vectors: Stored, distance: Distance, parts: Parts, where: str) -> BaseIndex:
    """The index that parts tell of, over the rows that it was built over.

    Args:
        vectors: float32 or float16[rows, dimension], mapped.
        distance: the lens's.
        parts: what the snapshot has.
        where: what it belongs to, for `BaseIndex.problem`.
    """
    exact = _scanned(vectors, distance)
    if not parts:
        return BaseIndex(exact)
    facts = None
    try:
        if ABOUT not in parts:
            raise CorruptCollection(f"{where}: the index has lost its description")
        facts = IndexFacts.from_part(parts[ABOUT], f"the index of {where}")
        if facts.problem is not None:
            return BaseIndex(exact, None, facts, facts.problem)
        engine = find(facts.engine)
        engine.check()
        built = {name: array for name, array in parts.items() if name != ABOUT}
        index = engine.open(vectors.view(np.float32), distance, built)
        return BaseIndex(exact, index, facts, is_true=engine.abilities.exact)
    except MitameError as error:
        return BaseIndex(exact, None, facts, error.line())
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:  # of damaged parts
        return BaseIndex(exact, None, facts, f"the index of {where} can't be opened ({error})")


def _scanned(vectors: Stored, distance: Distance) -> Searchable:
    if vectors.dtype == np.float16:
        return HalfIndex(vectors.view(np.float16), distance)
    return exact_index(vectors.view(np.float32), distance)
