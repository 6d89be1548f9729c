"""Laws of damage: parts that are not what was saved give an error or an answer, never a crash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise
from mitame.engines.protocol import Engine, Parts, Rows
from mitame.errors import CorruptCollection
from mitame.testing.engine_case import EngineCase
from mitame.testing.engine_truth import check_form, check_true

FLIPS = 24
"""Damaged copies of each part with one flipped bit."""


class DamageLaws(EngineCase):
    """What `Engine.open` and searches do with parts that a disk or a person has changed."""

    def test_flipped_bits(self) -> None:
        """One bit of one part, anywhere: its head, its middle, its end."""
        for engine, distance in self.each():
            parts = self.small(engine, distance).save()
            for damaged in _flipped(parts):
                self._survives(engine, distance, damaged)

    def test_other_forms(self) -> None:
        """A part cut short, made longer, empty, of another type or number of axes, or missing."""
        for engine, distance in self.each():
            parts = self.small(engine, distance).save()
            for damaged in _deformed(parts):
                self._survives(engine, distance, damaged)

    def test_extreme_numbers(self) -> None:
        """A part of the right form, filled with the least or greatest numbers, or with noise."""
        for engine, distance in self.each():
            parts = self.small(engine, distance).save()
            for damaged in _filled(parts):
                self._survives(engine, distance, damaged)

    def test_parts_of_another_index(self) -> None:
        """Of fewer rows, of more rows, of another dimension or distance; and no parts at all."""
        rows, _ = self.data()
        for engine, distance in self.each():
            parts = self.small(engine, distance).save()
            fewer = self.build(engine, rows[:200], distance).save()
            narrow = self.build(engine, np.ascontiguousarray(rows[:, :7]), distance).save()
            self._survives(engine, distance, fewer)
            self._survives(engine, distance, narrow)
            self._survives(engine, distance, {})
            self._survives(engine, distance, parts, rows[:120])
            for name in parts.keys() & fewer.keys():
                self._survives(engine, distance, {**parts, name: fewer[name]})
            for other in engine.abilities.distances - {distance}:
                self._survives(engine, other, parts)

    def _survives(
        self, engine: Engine, distance: Distance, parts: Parts, rows: Rows | None = None
    ) -> None:
        """`CorruptCollection`, or an answer of the right form with true distances."""
        mine, queries = self.data()
        mine = mine if rows is None else rows
        mine = normalise(mine) if distance == "cosine" else mine  # as collections keep them
        allow = np.arange(len(mine)) % 4 > 0 if engine.abilities.filters else None
        try:
            index = engine.open(mine, distance, parts)
            for effort, mask in ((None, None), (1.0, None), (0.0, allow)):
                answer = index.search(queries, 10, effort=effort, allow=mask)
                check_form(answer, len(queries), 10, len(mine))
                check_true(answer, mine, queries, distance)
        except CorruptCollection:
            return


def _flipped(parts: Parts) -> Iterator[Parts]:
    rng = np.random.default_rng(11)
    for name, array in parts.items():
        size = array.nbytes
        if not size:
            continue
        places = {0, size // 2, size - 1, *rng.integers(size, size=FLIPS).tolist()}
        for place in sorted(places):
            raw = np.frombuffer(array.tobytes(), np.uint8).copy()
            raw[place] ^= np.uint8(1 << int(rng.integers(8)))
            yield {**parts, name: raw.view(array.dtype).reshape(array.shape)}


def _deformed(parts: Parts) -> Iterator[Parts]:
    for name, array in parts.items():
        yield {other: parts[other] for other in parts if other != name}
        yield {**parts, name: array[:0]}
        yield {**parts, name: array[:-1]}
        yield {**parts, name: array[: len(array) // 2]}
        yield {**parts, name: np.concatenate([array, array])}
        yield {**parts, name: _axes_changed(array)}
        for kind in (np.uint8, np.int64, np.float32):
            if array.dtype != kind:
                with np.errstate(invalid="ignore"):  # what does not fit is damage as well
                    yield {**parts, name: array.astype(kind)}


def _axes_changed(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(-1) if array.ndim == 2 else array.reshape(-1, 1)


def _filled(parts: Parts) -> Iterator[Parts]:
    rng = np.random.default_rng(12)
    for name, array in parts.items():
        for byte in (0x00, 0xFF, 0x7F, 0x80):
            raw = np.full(array.nbytes, byte, np.uint8)
            yield {**parts, name: raw.view(array.dtype).reshape(array.shape)}
        noise = rng.integers(256, size=array.nbytes, dtype=np.uint8)
        yield {**parts, name: noise.view(array.dtype).reshape(array.shape)}
