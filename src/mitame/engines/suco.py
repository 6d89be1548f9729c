"""Collision counting: rows that are near the query in most parts of the columns.

SuCo (SIGMOD 2025, arXiv 2411.14754): the columns are cut into parts, each part's rows lie in the
cells of an inverted multi-index, and the nearest cells of a part are activated until a share of
all rows collides. A row's score is the number of parts in which it does; the best are ranked
exactly. It is built in seconds and takes an integer per row and part; a graph answers quicker.

Parts of equal worth (see `suco_axes`) are the default: on 60,000 pictures of clothes as pixels
recall@10 rose from .84 to .93 at equal effort, on 60,000 vectors of a network from .85 to .91. On
vectors whose columns are not alike in any order it may fall; the setting ``balance`` is for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines.blob import Identity, seal, unseal
from mitame.engines.protocol import Abilities, Candidate, Parts, Rows
from mitame.engines.settings import Allowed, Common, Range, check_rows, read
from mitame.engines.suco_axes import Pieces, balanced, in_order
from mitame.engines.suco_cells import SAMPLE, Cells, assign, learn, sorted_cells
from mitame.engines.suco_index import Parted, SucoSearch
from mitame.errors import CorruptCollection

_OWN: Mapping[str, Allowed] = {
    "parts": Range(8, 1, 64),
    "centroids": Range(50, 2, 256),
    "iterations": Range(2, 1, 50),
    "balance": Range(1, 0, 1),
}
_FLOATS_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class SucoEngine:
    """Settings: ``parts`` (1 to 64), ``centroids`` of each of a part's two pieces (2 to 256),
    ``iterations`` of k-means, ``balance`` (1 to turn the vectors so that all parts are of equal
    worth, 0 to take the columns as they come)."""

    name: str = "suco"
    abilities: Abilities = field(
        default=Abilities(exact=False, distances=frozenset(DISTANCES), filters=True, maps=True)
    )

    def check(self) -> None:
        """Nothing is missing: NumPy is all it needs."""

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> SucoIndex:
        """An index over float32[rows, dimension]; see `mitame.engines.protocol.Engine.build`.

        Raises:
            InvalidVector, UsageError: as the protocol says.
        """
        common, own = read(self.name, settings, _OWN)
        rows, known = check_rows(vectors, distance, self.abilities, common)
        return SucoIndex(rows, known, _parted(rows, known, common, own))

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> SucoIndex:
        """The index that gave these parts; see `mitame.engines.protocol.Engine.open`.

        Raises:
            CorruptCollection: they are not what an index over these rows saves.
        """
        rows = np.asarray(vectors)
        identity = Identity.of(self.name, rows, distance)
        facts, _ = unseal(identity, parts)
        return SucoIndex(rows, distance, _opened(identity, facts, parts))

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """Eight parts of equal worth, or of columns as they come; or four with finer cells."""
        return (
            Candidate(),
            Candidate(settings={"balance": 0}),
            Candidate(settings={"parts": 4, "centroids": 100}),
        )


class SucoIndex(SucoSearch):
    """A search that can be saved."""

    def save(self) -> Parts:
        """Cells, centroids and axes as arrays, and a head."""
        parted = self._parted
        identity = Identity.of("suco", self._vectors, self._distance)
        facts = {"widths": list(parted.pieces.widths), "scale": parted.scale}
        flat = parted.centroids.reshape(-1, parted.centroids.shape[2])
        axes = {} if parted.pieces.axes is None else {"axes": parted.pieces.axes}
        return {
            **seal(identity, {**facts, "balance": bool(axes)}, {}),
            **axes,
            "centre": parted.centre,
            "centroids": flat,
            "offsets": parted.cells.offsets,
            "ids": parted.cells.ids,
        }


def _parted(rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]) -> Parted:
    rng = np.random.default_rng(common.seed)
    sample = rows[np.sort(rng.permutation(len(rows))[:SAMPLE])]
    is_raw = distance == "cosine" and not common.trusted
    sample = normalise(sample) if is_raw else sample
    centre = sample.mean(axis=0, dtype=np.float64).astype(np.float32) if len(sample) else None
    centre = np.zeros(rows.shape[1], np.float32) if centre is None else centre
    scale = float(np.abs(sample.astype(np.float64) - centre).max(initial=0.0)) or 1.0
    pieces = 2 * min(own["parts"], max(1, rows.shape[1] // 2))
    empty = Cells(np.zeros(1, np.int64), np.empty(0, np.int32))
    nothing = np.empty((pieces, 0, 0), np.float32)
    plain = Parted(centre, scale, in_order(rows.shape[1], pieces), nothing, empty)
    turned = _turned(plain, sample, pieces) if own["balance"] else plain.pieces
    reducing = Parted(centre, scale, turned, nothing, empty)
    centroids = learn(reducing.reduced(sample), own["centroids"], own["iterations"], rng)
    codes = np.empty((pieces, len(rows)), np.int32)
    step = max(1, _FLOATS_AT_ONCE // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        points = reducing.reduced(normalise(block) if is_raw else block)
        for piece in range(pieces):
            codes[piece, start : start + step] = assign(points[piece], centroids[piece])
    return Parted(centre, scale, turned, centroids, sorted_cells(codes, centroids.shape[1]))


def _turned(plain: Parted, sample: Rows, pieces: int) -> Pieces:
    if sample.shape[1] < pieces:
        return plain.pieces
    return balanced((sample - plain.centre) / np.float32(plain.scale), pieces)


def _opened(identity: Identity, facts: Mapping[str, Any], parts: Parts) -> Parted:
    widths = tuple(int(width) for width in facts["widths"])
    shapes: dict[str, tuple[type, tuple[int | None, ...]]] = {
        "centre": (np.float32, (identity.dimension,)),
        "centroids": (np.float32, (None, max(1, *widths))),
        "offsets": (np.int64, (None,)),
        "ids": (np.int32, (len(widths) // 2 * identity.rows,)),
    }
    if facts["balance"]:
        shapes["axes"] = (np.float32, (sum(widths), identity.dimension))
    found = {name: _array(parts, name, *shape) for name, shape in shapes.items()}
    per_piece = len(found["centroids"]) // len(widths)
    centroids = found["centroids"][: per_piece * len(widths)]
    pieces = Pieces(widths, found.get("axes"))
    cells = Cells(found["offsets"], found["ids"])
    _check_offsets(cells.offsets, len(widths) // 2, per_piece**2, identity.rows)
    shaped = centroids.reshape(len(widths), per_piece, pieces.widest)
    return Parted(found["centre"], facts["scale"], pieces, shaped, cells)


def _array(parts: Parts, name: str, dtype: type, shape: tuple[int | None, ...]) -> NDArray[Any]:
    array = parts.get(name)
    if array is not None and array.dtype == dtype and array.ndim == len(shape):
        pairs = zip(array.shape, shape, strict=True)
        if all(wanted is None or size == wanted for size, wanted in pairs):
            return array
    raise CorruptCollection(f"part {name!r} of the suco index is missing or damaged")


def _check_offsets(offsets: NDArray[np.int64], parts: int, cells: int, rows: int) -> None:
    """Every cell within its part, and each part's cells with all rows."""
    if len(offsets) == parts * cells + 1:
        borders = offsets[:: max(1, cells)]
        rising = bool((offsets[1:] >= offsets[:-1]).all())
        if rising and np.array_equal(borders, np.arange(parts + 1) * rows):
            return
    raise CorruptCollection("part 'offsets' of the suco index is damaged")
