"""The axes that rows and queries are turned to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade import coding
from mitame.engines.cascade.clustering import axes_of, sample_of
from mitame.engines.cascade.coding import Bytes, widened
from mitame.engines.cascade.compared import Arrays, ComparedRows
from mitame.engines.cascade.shape import BLOCK, FINE_AXES, Floats, Shape, rounded

_SAMPLE = 20_000


@dataclass(frozen=True)
class Frame:
    """The axes that rows are rotated to.

    Attributes:
        mean: float32[dimension].
        axes: float32[n, dimension], those with most energy first.
        shares: float32[dimension], each one's share of the energy.
    """

    mean: Floats
    axes: Floats
    shares: Floats

    def first(self, count: int) -> Frame:
        """The same with so many axes."""
        return replace(self, axes=self.axes[:count])

    def project(self, rows: Floats) -> tuple[Floats, Floats]:
        """Coordinates float32[n, projected], and squared distances to the mean, float32[n]."""
        centred: Floats = rows - self.mean
        squares: Floats = np.einsum("nd,nd->n", centred, centred)
        return np.asarray(centred @ self.axes.T, np.float32), squares

    def leading(self, rows: Floats, width: int) -> Floats:
        """The first coordinates alone, float32[n, width], zeros where there are fewer."""
        axes = self.axes[:width]
        return widened(np.asarray((rows - self.mean) @ axes.T, np.float32), width)


def frame_of(rows: ComparedRows, seed: int) -> Frame:
    """All axes, from a sample of the rows."""
    return Frame(*axes_of(rows.at(sample_of(len(rows), _SAMPLE, seed))))


def frame_parts(frame: Frame, shape: Shape) -> Arrays:
    """The mean and the axes: the first with 8 bits a number, the others with 4."""
    mean = np.zeros(shape.padded, np.float32)
    mean[: shape.dimension] = frame.mean
    fine, low = frame.axes[:FINE_AXES], frame.axes[FINE_AXES:]
    largest = np.abs(fine).max(axis=1)
    steps = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(127)
    bytes_ = np.full((rounded(len(fine), BLOCK), shape.padded), 128, np.uint8)
    bytes_[: len(fine), : shape.dimension] = np.rint(fine / steps[:, np.newaxis]) + 128
    halves, low_steps = _in_halves(low, shape)
    return {
        "mean": mean,
        "rotation": coding.blocks_of_bytes(bytes_),
        "rotation-low": halves,
        "rotation-steps": np.concatenate([steps, low_steps]),
    }


def _in_halves(axes: Floats, shape: Shape) -> tuple[Bytes, Floats]:
    """Axes with 4 bits a number, as blocks; and what one unit is worth, float32[n]."""
    deviations = axes.std(axis=1)
    steps = coding.steps_of(deviations, np.full(len(axes), 4))
    scale = np.where(steps > 0, steps, 1).astype(np.float32)
    codes = np.clip(np.rint(axes / scale[:, np.newaxis] + 7.5), 0, 15).astype(np.uint8)
    wide = np.zeros((rounded(len(axes), BLOCK), shape.padded), np.uint8)
    wide[: len(axes), : shape.dimension] = codes
    as_rows = replace(shape, fours=shape.padded, twos=0)
    packed = coding.packed_short(wide, as_rows)
    return coding.interleaved(packed, np.arange(len(wide)), len(wide) // BLOCK), scale


def frame_from(parts: Mapping[str, NDArray[Any]], shape: Shape) -> Frame:
    """The axes as queries are turned by them: what `frame_parts` gave, rounded."""
    count = min(FINE_AXES, shape.projected)
    bytes_, halves = coding.unpacked_axes(parts["rotation"], parts["rotation-low"], shape.padded)
    fine = bytes_[:count] - np.float32(128)
    low = halves[: shape.projected - count] - np.float32(7.5)
    steps = parts["rotation-steps"].reshape(-1, 1)
    axes = np.concatenate([fine, low]).astype(np.float32) * steps
    mean = parts["mean"].ravel()[: shape.dimension]
    return Frame(mean, axes[:, : shape.dimension], np.empty(0, np.float32))
