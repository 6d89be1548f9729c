"""The cascade's search in NumPy: where the native kernels are missing, and to check them by.

It goes through the stages of ``native/cascade_search.h`` one for one: the same whole numbers, and
float32 sums in the same order, so that the same rows are chosen. Only exact distances may differ,
within rounding.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade import coding
from mitame.engines.cascade.effort import Plan
from mitame.engines.cascade.numpy_beam import Beam, Places, lowest, walk
from mitame.engines.cascade.numpy_prepared import Parts, Prepared, Whole
from mitame.engines.cascade.part_checks import check_parts, line_of, node_bytes_of
from mitame.engines.cascade.shape import BLOCK, FAR, LINE, NODE_8, NODE_BYTES, Floats

_SAYING = (0, 3, 1, 2)
"""Statuses, the one that says most last."""
_ONE = np.float32(1)
_UNIT = 4e-6


class NumpyCascade:
    """Has the `search` of ``mitame._native.Cascade``.

    Args:
        parts: by name, ``vectors`` too.
        sizes: numbers that say how long they are.

    Raises:
        ValueError: a part is missing, or has another type or length.
    """

    def __init__(self, parts: Parts, sizes: Mapping[str, int]) -> None:
        self._sizes = dict(sizes)
        check_parts(parts, self._sizes)
        flat = {name: part.reshape(-1) for name, part in parts.items() if name != "vectors"}
        self._parts: Parts = {**flat, "vectors": parts["vectors"]}
        padded = len(self._parts["mean"])
        rotation, low = self._parts["rotation"], self._parts["rotation-low"]
        fine, rest = coding.unpacked_axes(rotation, low, padded)
        self._axes = fine.astype(np.int32), rest.astype(np.int32)

    def quick(self, *plan: int) -> tuple[int, ...]:
        """A plan and threads as `search_quick` takes them."""
        return plan

    def search_quick(
        self, queries: Floats, ids: NDArray[np.int64], distances: Floats, quick: tuple[int, ...]
    ) -> int:
        """`search` with a plan of `quick`.

        Raises:
            ValueError: queries of another type or shape.
        """
        if queries.dtype != np.float32 or queries.shape[1:] != (self._sizes["dimension"],):
            raise ValueError("queries must be float32[q, dimension]")
        roots, lists, shorts, beam, refined, exact, threads = quick
        return self.search(
            queries, ids, distances, roots, lists, shorts, beam, refined, exact, None, threads
        )

    def search(  # noqa: PLR0917 (the native search's order)
        self,
        queries: Floats,
        ids: NDArray[np.int64],
        distances: Floats,
        roots: int,
        lists: int,
        shorts: int,
        beam: int,
        refined: int,
        exact: int,
        allow: NDArray[np.bool_] | None,
        threads: int,  # noqa: ARG002 (the native search's)
    ) -> int:
        """Fill ids int64[q, k] and distances float32[q, k]; 0, or 1 for an
        unusual query, 2 for a damaged part, 3 for fewer than k."""
        worst = 0
        plan = Plan(*(max(1, most) for most in (roots, lists, shorts, beam, refined, exact)))
        for q, query in enumerate(queries):
            one = _Query(self._parts, self._sizes, self._axes, query)
            status = one.run(plan, allow, ids[q], distances[q])
            worst = max(worst, status, key=_SAYING.index)
        return worst


class _Query:
    """One query on its way through the stages."""

    def __init__(
        self,
        parts: Parts,
        sizes: Mapping[str, int],
        axes: tuple[Whole, Whole],
        query: Floats,
    ) -> None:
        self.parts = parts
        self.sizes = sizes
        self.query = query
        self.prepared = Prepared(parts, sizes, axes, query)
        self.line = line_of(sizes)
        self.has_tails = "tails" in parts or sizes["tail"] > 0

    def run(
        self,
        plan: Plan,
        allow: NDArray[np.bool_] | None,
        ids: NDArray[np.int64],
        distances: Floats,
    ) -> int:
        ids[:], distances[:] = -1, np.inf
        with np.errstate(all="ignore"):
            if not self._is_usual() or not self.prepared.set():
                return 1
            chosen = _first(self._roots(), plan.roots)
            found = self._table("list", chosen, None)
            rows = None if found is None else self._table("row", _first(found, plan.lists), allow)
            if rows is None:
                return 2
            keys, kept = lowest(*rows, plan.shorts)
            if self.parts["nodes"].size:
                keys = self._node_keys(kept)
            real = keys < FAR  # a norm may be damaged
            gathered = self._followed(keys[real], kept[real], plan.beam, allow)
            if gathered is None:
                return 2
            places = self._refined(*gathered, plan.refined, max(plan.exact, len(ids)))
            return self._rank(places, ids, distances)

    def _is_usual(self) -> bool:
        if self.sizes["distance"] == 1:
            return abs(float(self.query.astype(np.float64) @ self.query) - 1) < _UNIT
        return bool(np.isfinite(self.query).all())

    def _roots(self) -> tuple[Floats, Places]:
        norms = self.parts["root-norms"]
        centres = self.parts["list-centres"].reshape(len(norms), -1)
        places = np.flatnonzero(norms < FAR)
        return norms[places] - self.prepared.with_centres(centres[places]), places

    def _table(
        self, name: str, chosen: Places, allow: NDArray[np.bool_] | None
    ) -> tuple[Floats, Places] | None:
        """Keys and places of all members of the chosen lists, in their order."""
        p = self.parts
        starts = p[f"{name}-starts"].astype(np.int64)
        blocks = len(p[f"{name}-norms"]) // BLOCK
        begin, end = starts[chosen], starts[chosen + 1]
        if (begin < 0).any() or (end < begin).any() or (end > blocks).any():
            return None
        if (end - begin).sum() > blocks:  # lists that overlap
            return None
        spans = [np.arange(b * BLOCK, e * BLOCK) for b, e in zip(begin, end, strict=True)]
        centres = p[f"{name}-centres"].reshape(len(starts) - 1, -1)[chosen]
        q = self.prepared.short(p[f"{name}-steps"])
        bases = np.repeat(q.offset - self.prepared.with_centres(centres), (end - begin) * BLOCK)
        places = np.concatenate([*spans, np.empty(0, np.int64)]).astype(np.int64)
        codes = p[f"{name}-codes"].reshape(blocks, self.line)[places[::BLOCK] // BLOCK]
        fours = self.sizes["fours"]
        short = coding.unpacked_short(coding.separated(codes, self.line // BLOCK), fours)
        norms = p[f"{name}-norms"][places]
        keys = norms + bases - q.four.sums(short[:, :fours]) - q.two.sums(short[:, fours:])
        real = (norms < FAR) & np.isfinite(keys)
        if allow is not None:
            real &= self._allowed(places, allow)
        return keys[real], places[real]

    def _allowed(self, places: Places, allow: NDArray[np.bool_]) -> NDArray[np.bool_]:
        ids = self.parts["ids"][places]
        there = (ids >= 0) & (ids < len(allow))
        return there & allow[np.where(there, ids, 0)]

    def _node_keys(self, places: Places) -> Floats:
        width = node_bytes_of(self.parts, self.sizes)
        nodes = self.parts["nodes"].reshape(-1, width)[places]
        norms = np.ascontiguousarray(nodes[:, NODE_BYTES - 4 : NODE_BYTES]).view("<f4").ravel()
        half = nodes[:, NODE_8:LINE]
        pairs = nodes[:, LINE : NODE_BYTES - 4]
        groups = (nodes[:, :NODE_8], coding.halves(half), coding.pairs(pairs))
        q = self.prepared
        keys = norms + q.offset
        for codes, group in zip(groups, q.node, strict=False):
            keys = keys - group.sums(codes)
        if self.has_tails:
            apart = self.parts.get("tails")
            tails = nodes[:, NODE_BYTES:] if apart is None else apart.reshape(-1, LINE)[places]
            keys = keys + q.tail_offset - q.node[3].sums(coding.pairs(tails))
        return np.asarray(keys, np.float32)

    def _followed(
        self, keys: Floats, places: Places, most: int, allow: NDArray[np.bool_] | None
    ) -> tuple[Floats, Places] | None:
        keys, places = lowest(keys, places, most)
        degree = self.sizes["degree"]
        if not degree or allow is not None:
            return keys, places
        order = np.lexsort((places, keys))
        beam = Beam(list(keys[order]), [int(p) for p in places[order]], most)
        return walk(beam, self.parts["edges"].reshape(-1, degree), self._node_keys)

    def _refined(self, keys: Floats, places: Places, refined: int, few: int) -> Places:
        """The nearest few, after a closer look at the first of them where there are residuals."""
        order = np.lexsort((places, keys))
        if not self.prepared.residual or refined <= few:
            return places[order][:few]
        keys, places = keys[order][:refined], places[order][:refined]
        queries = self.prepared.residual
        packed = self.parts["residuals"].reshape(-1, len(queries), LINE)[places]
        keys = keys + self.prepared.residual_offset
        for line, q in enumerate(queries):
            keys = keys - q.sums(coding.halves(packed[:, line]))
        real = keys < FAR  # a damaged step may give none
        keys, places = keys[real], places[real]
        return places[np.lexsort((places, keys))][:few]

    def _rank(self, places: Places, ids: NDArray[np.int64], distances: Floats) -> int:
        rows = self.parts["ids"][places].astype(np.int64)
        if ((rows < 0) | (rows >= self.sizes["rows"])).any():
            return 2
        rows = np.unique(rows)
        away = self._away(rows)
        best = np.lexsort((rows, away))[: len(ids)]
        ids[:], distances[:] = -1, np.inf
        ids[: len(best)], distances[: len(best)] = rows[best], away[best]
        return 0 if len(best) == len(ids) else 3

    def _away(self, rows: Places) -> Floats:
        vectors = self.parts["vectors"][rows]
        if self.sizes["distance"] == 2:
            # Not a matrix product, which sums the last rows in another order than the first.
            return np.asarray(-(vectors * self.query).sum(axis=1), np.float32)
        inverses = self.parts.get("inverses")
        if inverses is not None:
            vectors = vectors * inverses[rows, np.newaxis]
        squares = ((vectors - self.query) ** 2).sum(axis=1)
        if self.sizes["distance"] == 0:
            return np.asarray(np.sqrt(squares), np.float32)
        half = np.minimum(squares / 2, 2)
        zero = ~vectors.any(axis=1)  # a row of zeros has no direction
        return np.asarray(np.where(zero, _ONE, half), np.float32)


def _first(found: tuple[Floats, Places], most: int) -> Places:
    """The places of the lowest, with the very lowest changed to the front."""
    keys, places = lowest(*found, most)
    places = places.copy()
    if len(places):
        best = int(np.argmin(keys))
        places[[0, best]] = places[[best, 0]]
    return places
