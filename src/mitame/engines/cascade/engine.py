"""The engine `cascade`: builds its index in NumPy, but for the edges, and opens it by mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mitame import native
from mitame.distances import DISTANCES, Distance, norms
from mitame.engines.cascade import building
from mitame.engines.cascade.extending import edges_after, older_of, row_parts
from mitame.engines.cascade.graph import Edges, edges_of
from mitame.engines.cascade.index import CascadeIndex
from mitame.engines.cascade.part_checks import check_parts
from mitame.engines.cascade.parts import SIZES, Stored, cascade_of, read_parts, stored_of
from mitame.engines.cascade.shape import Shape, is_flat, shape_for
from mitame.engines.extending import check_kept
from mitame.engines.protocol import Abilities, Candidate, Kept, Parts, Rows
from mitame.engines.settings import Common, Range, check_rows, read
from mitame.errors import CorruptCollection

SMALL = 64
"""Rows below which all are looked at."""
_TAME = (1e-12, 1e12)
"""Lengths whose squares stay far from float32's ends."""
_MANY, _VERY_MANY = 20_000, 500_000
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
        if len(rows) < SMALL or not _is_tame(rows):
            return CascadeIndex(rows, known, None)
        return CascadeIndex(rows, known, _stored(building.Rows(rows, known), own, common))

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> CascadeIndex:
        """The index that gave these parts; nothing is read but their sizes.

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
        if stored is None or wide or gone or len(rows) < SMALL or not _is_tame(rows):
            return self.build(rows, known, **settings)
        own_rows = building.Rows(rows, known)
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


def _is_tame(rows: Rows) -> bool:
    low, high = _TAME
    step = max(1, (1 << 22) // max(1, rows.shape[1]))
    parts = [norms(rows[i : i + step]) for i in range(0, len(rows), step)]
    lengths = np.concatenate(parts)
    return bool(lengths.max() < high and lengths[lengths > 0].min(initial=1.0) > low)


def _stored(rows: building.Rows, own: dict[str, int], common: Common) -> Stored:
    count = min(own["lists"] or max(16, len(rows) // _ROWS_PER_LIST), len(rows))
    frame = building.frame_of(rows, common.seed)
    degree = _degree(own["degree"], frame, len(rows))
    shape = shape_for(frame.shares, edges=degree > 0)
    frame = frame.first(shape.projected)
    lists = building.lists_of(rows, frame, shape, count, common.seed)
    owner = building.assigned(rows, frame, shape, lists)
    steps = building.steps_of(rows, frame, shape, lists, owner)
    product = rows.distance == "inner_product"
    parts = {
        **building.frame_parts(frame, shape),
        **building.list_parts(shape, lists, steps, product=product),
        **building.row_parts(rows, frame, shape, lists=lists, steps=steps, owner=owner),
    }
    sizes = {"rows": len(rows), "roots": len(lists.roots), "lists": len(lists.centres)}
    return with_edges(rows, shape, sizes, parts, degree=degree, threads=common.threads)


def _extended(
    rows: building.Rows, stored: Stored, kept: Kept, fresh: NDArray[np.int64], common: Common
) -> Stored:
    older = older_of(stored, kept)
    parts, places = row_parts(rows, older, fresh)
    names = ("rows", "roots", "lists")
    sizes = {**{name: stored.sizes[name] for name in names}, "rows": len(rows)}
    plain = {name: part for name, part in parts.items() if name not in {SIZES, "edges"}}
    degree = stored.sizes["degree"] if native.module() is not None else 0

    def with_these(edges: Edges | None) -> Stored:
        more = {} if edges is None else {"edges": edges}
        known = {**sizes, "degree": 0 if edges is None else degree}
        return stored_of(stored.shape, known, rows.distance, {**plain, **more}, rows.inverses)

    if not degree:
        return with_these(None)
    edges = edges_after(
        lambda edges: cascade_of(rows.vectors, with_these(edges)),
        rows,
        older,
        places=places,
        fresh=fresh,
        threads=common.threads,
    )
    return with_these(edges)


def with_edges(
    rows: building.Rows,
    shape: Shape,
    sizes: dict[str, int],
    parts: dict[str, NDArray[Any]],
    *,
    degree: int,
    threads: int,
) -> Stored:
    """What is stored, with so many edges per row at most.

    Args:
        rows: that the parts are of.
        shape: the widths of codes.
        sizes: rows, roots and lists.
        parts: all but edges.
        degree: 0 for no edges.
        threads: at least 1.
    """

    def stored(edges: Edges | None) -> Stored:
        more = {} if edges is None else {"edges": edges}
        known = {**sizes, "degree": 0 if edges is None else degree}
        return stored_of(shape, known, rows.distance, {**parts, **more}, rows.inverses)

    if not degree:
        return stored(None)
    edges = edges_of(
        lambda edges: cascade_of(rows.vectors, stored(edges)),
        len(parts["ids"]),
        degree,
        roots=sizes["roots"],
        threads=threads,
    )
    return stored(edges)


def _degree(wanted: int, frame: building.Frame, rows: int) -> int:
    """Edges per row: where the energy is spread out, lists alone have to look far."""
    if native.module() is None:
        return 0
    if wanted >= 0:
        return wanted
    far = is_flat(frame.shares) and rows >= _MANY
    return _DEGREE if far or rows >= _VERY_MANY else 0
