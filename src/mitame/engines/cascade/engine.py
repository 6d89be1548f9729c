"""The engine `cascade`: builds its index in NumPy, but for the edges, and opens it by mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mitame import native
from mitame.distances import DISTANCES, Distance
from mitame.engines.cascade.building import (
    centre_parts,
    list_parts,
    row_codes,
    row_table,
    steps_of,
)
from mitame.engines.cascade.compared import ComparedRows, Lengths, lengths_of
from mitame.engines.cascade.extending import edges_after, older_of, row_parts
from mitame.engines.cascade.frame import Frame, frame_of, frame_parts
from mitame.engines.cascade.graph import edges_of
from mitame.engines.cascade.index import CascadeIndex
from mitame.engines.cascade.kinds import is_spread
from mitame.engines.cascade.lists import assigned, lists_of
from mitame.engines.cascade.part_checks import check_parts
from mitame.engines.cascade.parts import SIZES, Edgeless, Stored, read_parts
from mitame.engines.cascade.shape import is_flat, shape_for, spares_nodes
from mitame.engines.extending import check_kept
from mitame.engines.protocol import Abilities, Candidate, Kept, Parts, Rows
from mitame.engines.settings import Common, Range, check_rows, read
from mitame.errors import CorruptCollection

SMALL = 64
"""Rows below which all are looked at."""
_TAME = (1e-12, 1e12)
"""Lengths whose squares stay far from float32's ends."""
_MANY, _VERY_MANY = 50_000, 500_000
"""Rows from which edges cost less than the lists that they spare: where much energy lies beyond the
leading coordinates, and always."""
_DEGREE = 24
_ROWS_PER_LIST = 56
_LONGEST = 3 * _ROWS_PER_LIST
"""Rows per list from which new lists are made instead of longer ones."""


@dataclass(frozen=True)
class CascadeEngine:
    """Lists of short codes, nodes with edges, exact rows; see `mitame.engines.protocol.Engine`."""

    name: str = "cascade"
    abilities: Abilities = field(
        default=Abilities(
            exact=False, distances=frozenset(DISTANCES), filters=True, maps=True, extends=True
        )
    )
    own: ClassVar[dict[str, Range]] = {
        "lists": Range(0, 0, 65_536),
        "degree": Range(-1, -1, 64),
    }

    def check(self) -> None:
        """Nothing is missing: without the native kernels NumPy does their work."""

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> CascadeIndex:
        """An index over float32[rows, dimension].

        Args:
            vectors: float32[rows, dimension].
            distance: which.
            settings: ``lists``, how many (0: by the number of rows); ``degree``, edges per row (0:
                none, -1: by the number of rows; none without the native kernels).

        Raises:
            InvalidVector, UsageError: as the protocol says.
        """
        common, own = read(self.name, settings, self.own)
        rows, known = check_rows(vectors, distance, self.abilities, common)
        lengths = lengths_of(rows)
        if len(rows) < SMALL or not _is_tame(lengths):
            return CascadeIndex(rows, known, None)
        return CascadeIndex(rows, known, _stored(ComparedRows(rows, known, lengths), own, common))

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> CascadeIndex:
        """The index that gave these parts; nothing is read but their sizes and steps.

        Raises:
            CorruptCollection: as the protocol says.
        """
        rows = np.asarray(vectors)
        return CascadeIndex(rows, distance, read_parts(rows, distance, parts))

    def extend(
        self, vectors: Rows, distance: Distance, parts: Parts, kept: Kept, **settings: Any
    ) -> CascadeIndex:
        """The index over new rows; axes, lists and the codes of staying rows are taken over.

        Where the lists have become long, or there are none, it is built anew.

        Raises:
            CorruptCollection, InvalidVector, UsageError: as the protocol says.
        """
        common, _ = read(self.name, settings, self.own)
        rows, known = check_rows(vectors, distance, self.abilities, common)
        fresh = check_kept(kept, len(rows))
        before = np.empty((len(kept), rows.shape[1]), np.float32)  # only its shape is looked at
        stored = read_parts(before, known, parts)
        wide = stored is not None and len(rows) > _LONGEST * max(1, stored.sizes["lists"])
        gone = len(fresh) == len(rows)
        if stored is None or wide or gone or len(rows) < SMALL:
            return self.build(rows, known, **settings)
        lengths = lengths_of(rows)
        if not _is_tame(lengths):
            return self.build(rows, known, **settings)
        own_rows = ComparedRows(rows, known, lengths)
        try:
            check_parts({**stored.parts, "vectors": before}, stored.sizes)
            with np.errstate(all="ignore"):  # numbers of damaged parts may be anything
                extended = _extended(own_rows, stored, kept, fresh, common)
            return CascadeIndex(rows, known, extended)
        except (ValueError, IndexError) as error:
            raise CorruptCollection("the cascade index can't be extended") from error

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """As it is usual for so many rows; with lists alone; with edges."""
        efforts = (*tuple(step / 20 for step in range(20)), 1.0)
        usual = Candidate({}, efforts)
        return usual, Candidate({"degree": 0}, efforts), Candidate({"degree": _DEGREE}, efforts)


def _is_tame(lengths: Lengths) -> bool:
    low, high = _TAME
    return bool(lengths.max() < high and lengths[lengths > 0].min(initial=1.0) > low)


def _stored(rows: ComparedRows, own: dict[str, int], common: Common) -> Stored:
    count = min(own["lists"] or max(16, len(rows) // _ROWS_PER_LIST), len(rows))
    frame = frame_of(rows, common.seed)
    degree = _degree(own["degree"], frame, len(rows))
    shape = shape_for(frame.shares, edges=degree > 0)
    frame = frame.first(shape.projected)
    lists = lists_of(rows, frame, shape, count, common.seed)
    owner = assigned(rows, frame, shape, lists)
    steps = steps_of(rows, frame, shape, lists, owner)
    if not degree and spares_nodes(shape.dimension) and is_spread(steps.rows, steps.nodes, shape):
        shape = replace(shape, nodes=False)  # rows so short have no tails
    codes = row_codes(rows, frame, shape, lists=lists, steps=steps, owner=owner)
    parts = {
        **frame_parts(frame, shape),
        **list_parts(shape, lists, steps, product=rows.distance == "inner_product"),
        **centre_parts(shape, lists, steps),
        **row_table(codes, lists.place_of[owner], lists.places)[0],
    }
    sizes = {"rows": len(rows), "roots": len(lists.roots), "lists": len(lists.centres)}
    edgeless = Edgeless(rows.vectors, rows.distance, rows.inverses, shape, sizes, parts)
    return edgeless.stored(edges_of(edgeless, degree, common.threads) if degree else None)


def _extended(
    rows: ComparedRows, stored: Stored, kept: Kept, fresh: NDArray[np.int64], common: Common
) -> Stored:
    older = older_of(stored, kept)
    made, places = row_parts(rows, older, fresh)
    anew = {SIZES, "edges", "tails"}  # tails come behind their nodes
    before = {name: part for name, part in stored.parts.items() if name not in anew}
    sizes = {**{name: stored.sizes[name] for name in ("roots", "lists")}, "rows": len(rows)}
    edgeless = Edgeless(
        rows.vectors, rows.distance, rows.inverses, stored.shape, sizes, {**before, **made}
    )
    if not stored.sizes["degree"] or native.module() is None:
        return edgeless.stored()
    edges = edges_after(edgeless, rows, older, places=places, fresh=fresh, threads=common.threads)
    return edgeless.stored(edges)


def _degree(wanted: int, frame: Frame, rows: int) -> int:
    """Edges per row: where the energy is spread out, lists alone have to look far."""
    if native.module() is None:
        return 0
    if wanted >= 0:
        return wanted
    far = is_flat(frame.shares) and rows >= _MANY
    return _DEGREE if far or rows >= _VERY_MANY else 0
