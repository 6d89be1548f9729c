"""The cascade's search in NumPy: where the native kernels are missing, and to check them by.

It goes through the stages of ``native/cascade_search.h`` one for one: the same whole numbers, and
float32 sums in the same order, so that the same rows are chosen. Only exact distances may differ,
within rounding.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.part_checks import check_parts, line_of
from mitame.engines.cascade.shape import (
    BLOCK,
    FAR,
    FINE_AXES,
    LINE,
    NODE_2,
    NODE_4,
    NODE_8,
    NODE_BYTES,
    PROJECTED,
    TAIL,
    Floats,
)

Places = NDArray[np.int64]
Parts = Mapping[str, NDArray[Any]]
_STEP = 4
_SAYING = (0, 3, 1, 2)
"""Statuses, the one that says most last."""
_ONE = np.float32(1)
_UNIT = 4e-6
_LONGEST = np.float32(1e10)
"""Most that one unit of a query's code may be worth."""


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
        self._axes = _axes(self._parts)

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
        roots, lists, shorts, beam, exact, threads = quick
        return self.search(
            queries, ids, distances, roots, lists, shorts, beam, exact, None, threads
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
        exact: int,
        allow: NDArray[np.bool_] | None,
        threads: int,  # noqa: ARG002 (the native search's)
    ) -> int:
        """Fill ids int64[q, k] and distances float32[q, k]; 0, or 1 for an
        unusual query, 2 for a damaged part, 3 for fewer than k."""
        worst = 0
        roots, lists, shorts, beam, exact = (
            max(1, most) for most in (roots, lists, shorts, beam, exact)
        )
        for q, query in enumerate(queries):
            one = _Query(self._parts, self._sizes, self._axes, query)
            status = one.run(roots, lists, shorts, beam, exact, allow, ids[q], distances[q])
            worst = max(worst, status, key=_SAYING.index)
        return worst


@dataclass
class _Beam:
    keys: list[np.float32]
    places: list[int]


class _Query:
    """One query on its way through the stages."""

    def __init__(
        self,
        parts: Parts,
        sizes: Mapping[str, int],
        axes: tuple[NDArray[np.int32], NDArray[np.int32]],
        query: Floats,
    ) -> None:
        self.parts = parts
        self.sizes = sizes
        self.axes = axes
        self.query = query
        self.scale = np.float32(0)
        self.line = line_of(sizes)

    def run(  # noqa: PLR0917 (the native search's order)
        self,
        roots: int,
        lists: int,
        shorts: int,
        beam: int,
        exact: int,
        allow: NDArray[np.bool_] | None,
        ids: NDArray[np.int64],
        distances: Floats,
    ) -> int:
        ids[:], distances[:] = -1, np.inf
        with np.errstate(all="ignore"):
            if not self._is_usual() or not self._prepare():
                return 1
            chosen = _first(self._roots(), roots)
            found = self._table("list", chosen, None)
            places = None if found is None else self._table("row", _first(found, lists), allow)
            if places is None:
                return 2
            kept = _lowest(*places, shorts)[1]
            keys = self._node_keys(kept)
            real = keys < FAR  # a norm may be damaged
            gathered = self._followed(keys[real], kept[real], beam, allow)
            if gathered is None:
                return 2
            order = np.lexsort((gathered[1], gathered[0]))
            few = max(exact, len(ids))
            return self._rank(gathered[1][order][:few], ids, distances)

    def _is_usual(self) -> bool:
        if self.sizes["distance"] == 1:
            return abs(float(self.query.astype(np.float64) @ self.query) - 1) < _UNIT
        return bool(np.isfinite(self.query).all())

    def _prepare(self) -> bool:
        p, s = self.parts, self.sizes
        query = self.query.astype(np.float32)
        padded = np.zeros(len(p["mean"]), np.float32)
        padded[: s["dimension"]] = query if s["distance"] == 2 else query - p["mean"][: len(query)]
        whole, scale = _quantised(padded)
        if scale > _LONGEST:
            return False
        fine, low = self.axes
        zero = np.float32(128 * whole.sum())
        count = min(FINE_AXES, s["projected"])
        parts = [
            (fine @ whole).astype(np.float32)[:count] - zero,
            (low @ whole).astype(np.float32)[: s["projected"] - count]
            - np.float32(7.5 / 128) * zero,
        ]
        sums = np.concatenate(parts)
        self.z = np.zeros(PROJECTED + LINE, np.float32)
        self.z[: len(sums)] = sums * p["rotation-steps"] * scale
        self.centre, centre_scale = _quantised(self.z[: s["coarse"]])
        self.scale = centre_scale * p["centre-step"].ravel()[0]
        self._prepare_node()
        return True

    def _prepare_node(self) -> None:
        steps = self.parts["node-steps"]
        ends = np.cumsum([0, NODE_8, NODE_4, NODE_2, TAIL])
        self.node: list[tuple[NDArray[np.int32], np.float32]] = []
        for begin, end in itertools.pairwise(ends):
            rounded, scale = _quantised(self.z[begin:end] * steps[begin:end])
            self.node.append((rounded, np.float32(2) * scale))
        middles = (128.0, 7.5, 1.5, 1.5)
        parts = [
            scale * np.float32(middle) * np.float32(rounded.sum())
            for (rounded, scale), middle in zip(self.node, middles, strict=True)
        ]
        self.offset = (parts[0] + parts[1]) + parts[2]
        self.tail_offset = parts[3]

    def _roots(self) -> tuple[Floats, Places]:
        norms = self.parts["root-norms"]
        centres = self.parts["list-centres"].reshape(len(norms), -1)
        places = np.flatnonzero(norms < FAR)
        return norms[places] - self._to_centres(centres[places]), places

    def _to_centres(self, centres: NDArray[np.uint8]) -> Floats:
        sums = centres.astype(np.int32) @ self.centre - 128 * self.centre.sum()
        out: Floats = np.float32(2) * self.scale * sums.astype(np.float32)
        return out

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
        four, two, offset = self._short(p[f"{name}-steps"])
        bases = np.repeat(offset - self._to_centres(centres), (end - begin) * BLOCK)
        places = np.concatenate([*spans, np.empty(0, np.int64)]).astype(np.int64)
        codes = p[f"{name}-codes"].reshape(blocks, self.line)[places[::BLOCK] // BLOCK]
        a, b = _short_sums(codes, self.sizes["fours"], four[0], two[0])
        norms = p[f"{name}-norms"][places]
        keys = norms + bases - four[1] * a.astype(np.float32) - two[1] * b.astype(np.float32)
        real = (norms < FAR) & np.isfinite(keys)
        if allow is not None:
            real &= self._allowed(places, allow)
        return keys[real], places[real]

    def _allowed(self, places: Places, allow: NDArray[np.bool_]) -> NDArray[np.bool_]:
        ids = self.parts["ids"][places]
        there = (ids >= 0) & (ids < len(allow))
        return there & allow[np.where(there, ids, 0)]

    def _short(
        self, steps: Floats
    ) -> tuple[
        tuple[NDArray[np.int32], np.float32], tuple[NDArray[np.int32], np.float32], np.float32
    ]:
        fours = self.sizes["fours"]
        four, scale4 = _quantised(self.z[:fours] * steps[:fours])
        two, scale2 = _quantised(self.z[fours : len(steps)] * steps[fours:])
        scale4, scale2 = np.float32(2) * scale4, np.float32(2) * scale2
        first = scale4 * np.float32(7.5) * np.float32(four.sum())
        second = scale2 * np.float32(1.5) * np.float32(two.sum())
        return (four, scale4), (two, scale2), first + second

    def _node_keys(self, places: Places) -> Floats:
        nodes = self.parts["nodes"].reshape(-1, NODE_BYTES)[places]
        norms = np.ascontiguousarray(nodes[:, NODE_BYTES - 4 :]).view("<f4").ravel()
        half = nodes[:, NODE_8:LINE]
        pairs = nodes[:, LINE : NODE_BYTES - 4]
        groups = (nodes[:, :NODE_8], _halves(half), _pairs(pairs))
        keys = norms + self.offset
        for codes, (whole, scale) in zip(groups, self.node, strict=False):
            keys = keys - scale * (codes.astype(np.int32) @ whole).astype(np.float32)
        if "tails" in self.parts:
            tails = self.parts["tails"].reshape(-1, LINE)[places]
            whole, scale = self.node[3]
            sums = (_pairs(tails).astype(np.int32) @ whole).astype(np.float32)
            keys = keys + self.tail_offset - scale * sums
        return np.asarray(keys, np.float32)

    def _followed(
        self, keys: Floats, places: Places, most: int, allow: NDArray[np.bool_] | None
    ) -> tuple[Floats, Places] | None:
        keys, places = _lowest(keys, places, most)
        degree = self.sizes["degree"]
        if not degree or allow is not None:
            return keys, places
        order = np.lexsort((places, keys))
        beam = _Beam(list(keys[order]), [int(p) for p in places[order]])
        return self._walk(beam, most, self.parts["edges"].reshape(-1, degree))

    def _walk(
        self, beam: _Beam, most: int, edges: NDArray[np.int32]
    ) -> tuple[Floats, Places] | None:
        seen, done = set(beam.places), set[int]()
        left = _room(most, edges.shape[1]) // 2 - len(beam.places)
        waiting: list[int] = []
        while True:
            open_ = (place for place in beam.places if place not in done)
            todo = list(itertools.islice(open_, _STEP)) if left > 0 else []
            if not waiting and not todo:
                break
            found: list[int] = []
            for place in todo:
                for other in edges[place].tolist():
                    if other == -1:
                        break
                    if not 0 <= other < len(edges):
                        return None
                    if other not in seen:
                        seen.add(other)
                        found.append(other)
            done.update(todo)
            left -= len(found)
            near = self._node_keys(np.array(waiting, np.int64))
            for key, place in zip(near, waiting, strict=True):
                _join(beam, key, place, most)
            waiting = found
        return np.array(beam.keys, np.float32), np.array(beam.places, np.int64)

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


def _axes(parts: Parts) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The axes as whole numbers, int32[n, padded] each: those with 8 bits, those with 4."""
    padded = len(parts["mean"])
    words = parts["rotation"].reshape(-1, padded // 4, BLOCK, 4)
    fine = words.transpose(0, 2, 1, 3).reshape(-1, padded)
    words = parts["rotation-low"].reshape(-1, padded // 8, BLOCK, 4)
    rows = words.transpose(0, 2, 1, 3)
    low = np.stack([rows & 15, rows >> 4], axis=3).reshape(-1, padded)
    return fine.astype(np.int32), low.astype(np.int32)


def _quantised(values: Floats) -> tuple[NDArray[np.int32], np.float32]:
    """Whole numbers from -127 to 127, and what one is worth."""
    largest = max(np.float32(np.abs(values).max(initial=0)), np.float32(1e-30))
    factor = np.float32(127) / largest
    return np.rint(values * factor).astype(np.int32), largest / np.float32(127)


def _lowest(keys: Floats, places: Places, most: int) -> tuple[Floats, Places]:
    """Those with the lowest keys, of equal ones the first, in their order."""
    if len(keys) <= most:
        return keys, places
    kept = np.sort(np.argsort(keys, kind="stable")[:most])
    return keys[kept], places[kept]


def _first(found: tuple[Floats, Places], most: int) -> Places:
    """The places of the lowest, with the very lowest changed to the front."""
    keys, places = _lowest(*found, most)
    places = places.copy()
    if len(places):
        best = int(np.argmin(keys))
        places[[0, best]] = places[[best, 0]]
    return places


def _short_sums(
    codes: NDArray[np.uint8], fours: int, four: NDArray[np.int32], two: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sums int32[rows] for blocks uint8[b, bytes]: of 4-bit and of 2-bit coordinates."""
    lines = codes.shape[1] // LINE
    words = codes.reshape(len(codes), lines, BLOCK, 4).transpose(0, 2, 1, 3)
    rows = words.reshape(len(codes) * BLOCK, lines, 4)
    halves = rows[:, : fours // 8]
    pairs = rows[:, fours // 8 :]
    a = np.stack([halves & 15, halves >> 4], axis=2).reshape(len(rows), fours)
    b = np.stack([pairs >> s & 3 for s in (0, 2, 4, 6)], axis=2).reshape(len(rows), len(two))
    return a.astype(np.int32) @ four, b.astype(np.int32) @ two


def _halves(bytes_: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([bytes_ & 15, bytes_ >> 4], axis=1)


def _pairs(bytes_: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([bytes_ >> shift & 3 for shift in (0, 2, 4, 6)], axis=1)


def _join(beam: _Beam, key: np.float32, place: int, most: int) -> None:
    if not key < FAR:
        return
    if len(beam.keys) >= most:
        if key >= beam.keys[-1]:
            return
        beam.keys.pop()
        beam.places.pop()
    at = bisect.bisect_right(beam.keys, key)
    beam.keys.insert(at, key)
    beam.places.insert(at, place)


def _room(beam: int, degree: int) -> int:
    """How many places the native search can remember."""
    out = 1024
    while out < 64 * beam + 4 * (4 * degree + 4):
        out *= 2
    return out
