"""An engine that keeps every law, and can be told to break one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.distances import DISTANCES, Distance
from mitame.engines.extending import check_kept
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Abilities, Allow, Candidate, Kept, Parts, Rows
from mitame.engines.settings import Range, check_rows, read
from mitame.errors import CorruptCollection
from mitame.neighbors import PADDING, Neighbors
from mitame.testing.engine_truth import brute_force


@dataclass(frozen=True)
class ToyEngine:
    """Brute force over rows in an order that is drawn by chance and saved.

    Args:
        fault: the law to break, or "".
    """

    fault: str = ""
    name: str = "toy"
    abilities: Abilities = field(
        default=Abilities(exact=False, distances=frozenset(DISTANCES), maps=True, extends=True)
    )

    def check(self) -> None:
        """Nothing is missing."""

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> ToyIndex:
        if self.fault == "takes any setting":
            settings = {name: settings[name] for name in settings if name == "trusted"}
        common, _ = read(self.name, settings, {"size": Range(1, 1, 2)})
        if self.fault == "takes NaN":
            rows, known = np.asarray(vectors, np.float32), distance
        else:
            rows, known = check_rows(vectors, distance, self.abilities, common)
        seed = None if self.fault == "has no seed" else common.seed
        order = np.random.default_rng(seed).permutation(len(rows))
        return ToyIndex(rows, known, order, self.fault)

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> ToyIndex:
        trusting = self.fault == "trusts parts"
        order = parts["order"] if trusting else _checked(parts.get("order"), len(vectors))
        if self.fault == "copies parts":
            order = order.copy()
        if self.fault == "reads parts":
            assert int(order.max(initial=0)) >= 0
        if self.fault == "opens another":
            order = order[::-1]
        return ToyIndex(vectors, distance, order, self.fault)

    def extend(
        self, vectors: Rows, distance: Distance, parts: Parts, kept: Kept, **settings: Any
    ) -> ToyIndex:
        common, _ = read(self.name, settings, {"size": Range(1, 1, 2)})
        rows, known = check_rows(vectors, distance, self.abilities, common)
        if self.fault == "extends any numbers":
            came = np.setdiff1d(np.arange(len(rows)), kept)
        else:
            came = check_kept(kept, len(rows))
        trusting = self.fault == "trusts parts"
        order = parts["order"] if trusting else _checked(parts.get("order"), len(kept))
        if not trusting and ((order < 0) | (order >= len(kept))).any():
            raise CorruptCollection("the toy's order is damaged")
        if self.fault == "changes older parts":
            order[:] = order[::-1]
        stayed = kept[order]
        new = np.concatenate([came, stayed[stayed >= 0]])
        if self.fault == "loses what came":
            new = np.concatenate([stayed[stayed >= 0], stayed[stayed >= 0]])[: len(rows)]
        if self.fault == "extends by chance":
            new = np.random.default_rng().permutation(new)
        before = np.arange(len(rows))
        before[kept[kept >= 0]] = np.flatnonzero(kept >= 0)
        return ToyIndex(rows, known, new, self.fault, before)

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:
        if self.fault == "offers nonsense":
            return (Candidate({"size": 7}),)
        return (Candidate({"size": 1}, (0.0, 0.5, 1.0)),)


def _checked(order: NDArray[Any] | None, rows: int) -> NDArray[np.int64]:
    if order is None or order.dtype != np.int64 or order.shape != (rows,):
        raise CorruptCollection("the toy's order is damaged")
    return order


class ToyIndex(IndexedRows):
    """Rows in an order; `effort` below 1 leaves out the last twentieth."""

    def __init__(
        self,
        vectors: Rows,
        distance: Distance,
        order: NDArray[np.int64],
        fault: str,
        before: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(vectors, distance)
        self._order = order
        self._fault = fault
        self._before = before
        self._effort = 0.5
        self._buffer = np.empty((0, 0), np.float32)
        self._lock = threading.Lock()

    @property
    def memory(self) -> int:
        return self._order.nbytes

    def save(self) -> Parts:
        if self._fault == "saves float64":
            return {"order": self._order.astype(np.float64)}
        if self._fault == "names parts badly":
            return {"The Order": self._order}
        if self._fault == "saves what it extended" and self._before is not None:
            return {"order": self._order[::-1]}
        return {"order": self._order}

    def search(
        self, queries: Rows, k: int, *, effort: float | None = None, allow: Allow | None = None
    ) -> Neighbors:
        if self._fault == "changes queries":
            queries *= 1
        if self._fault == "takes any query":
            queries = np.atleast_2d(np.nan_to_num(queries))
        queries = self._checked(queries, k, effort, allow)
        if self._fault == "shares a buffer":
            queries = self._through_buffer(queries)
        return self._damaged(self._answer(queries, k, self._used(effort), allow), k)

    def _used(self, effort: float | None) -> float:
        if self._fault == "remembers effort":
            self._effort = self._effort if effort is None else effort
            return self._effort
        chosen = 0.5 if effort is None else effort
        return 1 - chosen if self._fault == "has effort upside down" else chosen

    def _answer(self, queries: Rows, k: int, effort: float, allow: Allow | None) -> Neighbors:
        mask = np.ones(self.rows, np.bool_) if allow is None else allow.copy()
        seen = self._seen(mask, k, effort)
        if self._fault == "filters afterwards":
            answer = brute_force(self._vectors, queries, k, self._distance)
            wrong = (answer.ids >= 0) & ~mask[answer.ids]
            ids = np.where(wrong, PADDING, answer.ids)
            order = np.argsort(wrong, axis=1, kind="stable")
            away = np.where(wrong, np.inf, answer.distances).astype(np.float32)
            return Neighbors(
                np.take_along_axis(ids, order, axis=1), np.take_along_axis(away, order, axis=1)
            )
        if self._fault == "ignores filters":
            mask[:] = True
        return brute_force(self._vectors, queries, k, self._distance, mask & seen)

    def _seen(self, mask: Allow, k: int, effort: float) -> Allow:
        """Which rows are looked at: at least k of the allowed ones."""
        seen = np.zeros(self.rows, np.bool_)
        seen[self._inside(np.asarray(self._order))] = True
        left_out = self.rows // 20
        if self._fault == "has effort upside down":
            left_out *= 8
        if effort < 1 and left_out and mask.sum() - left_out >= k:
            # At an index that was opened damaged, this is where a wrong row would be touched.
            seen[self._inside(np.asarray(self._order[-left_out:]))] = False
        return seen

    def _inside(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._fault == "trusts parts":
            return numbers
        return numbers[(numbers >= 0) & (numbers < self.rows)]

    def _damaged(self, answer: Neighbors, k: int) -> Neighbors:
        ids, away = answer.ids, answer.distances
        if self._fault == "numbers as before" and self._before is not None:
            return Neighbors(np.where(ids == PADDING, PADDING, self._before[ids]), away)
        damaged = {
            "answers less": lambda: Neighbors(ids[:, : k - 1], away[:, : k - 1]),
            "answers far first": lambda: Neighbors(ids[:, ::-1], away[:, ::-1]),
            "answers float64": lambda: Neighbors(ids, away.astype(np.float64)),
            "answers int32": lambda: Neighbors(ids.astype(np.int32), away),
            "rounds distances": lambda: Neighbors(ids, away.astype(np.float16).astype(np.float32)),
            "pads with 0": lambda: Neighbors(np.maximum(ids, 0), away),
            "breaks ties by chance": lambda: _ties_reversed(answer),
            "answers one twice": lambda: Neighbors(np.repeat(ids[:, :1], k, 1), away),
        }.get(self._fault)
        return answer if damaged is None else damaged()

    def _through_buffer(self, queries: Rows) -> Rows:
        self._buffer = queries
        time.sleep(0.001)
        return self._buffer


def _ties_reversed(answer: Neighbors) -> Neighbors:
    order = np.lexsort((-answer.ids, answer.distances), axis=1)
    return Neighbors(
        np.take_along_axis(answer.ids, order, axis=1),
        np.take_along_axis(answer.distances, order, axis=1),
    )
