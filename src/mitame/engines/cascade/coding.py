"""Numbers in few bits: steps, codes, and how codes lie in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.shape import (
    BLOCK,
    LINE,
    NODE,
    NODE_2,
    NODE_4,
    NODE_8,
    NODE_BYTES,
    PROJECTED,
    RESIDUAL,
    Floats,
    Shape,
)

Bytes = NDArray[np.uint8]
RESIDUAL_PART = np.float32(0.25)
"""A residual's step as a part of its node's: found by trying a third to a twelfth. Sixteen steps
are twice as far as a cell of 2 bits, for what lies beyond the outermost one."""
Places = NDArray[np.int64]

_SHIFTS = (0, 2, 4, 6)
_RANGE = {8: 5.0, 4: 2.6, 2: 1.5}
"""How many standard deviations from the middle the outermost code stands for: near the least
squared error of a uniform quantiser for a normal variable (Max 1960, table II) with 4 and 2 bits;
with 8, so far out that nothing is cut off."""


def steps_of(deviations: Floats, bits: NDArray[np.int64]) -> Floats:
    """What one unit of a code is worth, float32[n]; 0 where a coordinate never differs.

    Args:
        deviations: float32[n], the standard deviation of each coordinate.
        bits: int64[n], 8, 4 or 2.
    """
    reach = np.select([bits == b for b in _RANGE], list(_RANGE.values()))
    middle = np.where(bits == 8, 127.0, (2.0**bits - 1) / 2)
    return np.asarray(deviations * reach / middle, np.float32)


def codes_of(values: Floats, steps: Floats, bits: NDArray[np.int64]) -> Bytes:
    """Codes uint8[n, w] of float32[n, w]."""
    codes: Bytes = _rounded(values, steps, bits).astype(np.uint8)
    return codes


def codes_and_stands(
    values: Floats, steps: Floats, bits: NDArray[np.int64]
) -> tuple[Bytes, Floats]:
    """Codes uint8[n, w] of float32[n, w], and what they stand for, float32[n, w]."""
    codes = _rounded(values, steps, bits)
    out = codes.astype(np.uint8)
    codes -= _middle(bits)
    codes *= steps
    return out, codes


def codes_of_nothing(bits: NDArray[np.int64]) -> Bytes:
    """uint8[w]: the codes of coordinates that no row has."""
    none = np.zeros(len(bits), np.float32)
    codes: Bytes = codes_of(none[np.newaxis], none, bits)[0]
    return codes


def _rounded(values: Floats, steps: Floats, bits: NDArray[np.int64]) -> Floats:
    inverse = np.where(steps > 0, 1 / np.where(steps > 0, steps, 1), 0).astype(np.float32)
    codes: Floats = values * inverse
    codes += _middle(bits)
    np.rint(codes, out=codes)
    np.maximum(codes, (bits == 8).astype(np.float32), out=codes)
    np.minimum(codes, (2.0**bits - 1).astype(np.float32), out=codes)
    return codes


def _middle(bits: NDArray[np.int64]) -> Floats:
    return np.where(bits == 8, 128.0, (2.0**bits - 1) / 2).astype(np.float32)


def short_bits(shape: Shape) -> NDArray[np.int64]:
    """int64[short]: bits of each coordinate of a short code."""
    return np.repeat(np.array([4, 2]), [shape.fours, shape.twos])


def node_bits() -> NDArray[np.int64]:
    """int64[PROJECTED]: bits of each coordinate of a node and its tail."""
    return np.repeat(np.array([8, 4, 2]), [NODE_8, NODE_4, PROJECTED - NODE_8 - NODE_4])


def widened(values: Floats, width: int) -> Floats:
    """float32[n, width]: cut, or with zeros on the right."""
    if values.shape[1] >= width:
        return values[:, :width]
    out = np.zeros((len(values), width), np.float32)
    out[:, : values.shape[1]] = values
    return out


def packed_short(codes: Bytes, shape: Shape) -> Bytes:
    """uint8[n, short / 8 bytes per 8 or 16 coordinates]: what one row has of its block."""
    n = len(codes)
    four = codes[:, : shape.fours].reshape(n, shape.fours // 8, 2, 4)
    two = codes[:, shape.fours :].reshape(n, shape.twos // 16, 4, 4)
    fours = four[:, :, 0] | four[:, :, 1] << 4
    twos = two[:, :, 0] | two[:, :, 1] << 2 | two[:, :, 2] << 4 | two[:, :, 3] << 6
    return np.concatenate([fours, twos], axis=1).reshape(n, shape.block_bytes // BLOCK)


def interleaved(packed: Bytes, places: Places, blocks: int) -> Bytes:
    """uint8[blocks, block bytes]: each row's words of four bytes beside those of its block."""
    out = np.zeros((blocks * BLOCK, packed.shape[1]), np.uint8)
    out[places] = packed
    words = out.reshape(blocks, BLOCK, packed.shape[1] // 4, 4).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(words).reshape(blocks, BLOCK * packed.shape[1])


def blocks_of_bytes(codes: Bytes) -> Bytes:
    """uint8[n / 16, w * 16] of uint8[n, w]: the same for codes of a whole byte."""
    words = codes.reshape(-1, BLOCK, codes.shape[1] // 4, 4).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(words).reshape(len(words), -1)


def packed_nodes(codes: Bytes, norms: Floats) -> Bytes:
    """Nodes uint8[n, 128] of codes uint8[n, NODE] and norms float32[n]."""
    n = len(codes)
    out = np.zeros((n, NODE_BYTES), np.uint8)
    out[:, :NODE_8] = codes[:, :NODE_8]
    four = codes[:, NODE_8 : NODE_8 + NODE_4].reshape(n, 2, 32)
    out[:, NODE_8:LINE] = four[:, 0] | four[:, 1] << 4
    out[:, LINE : NODE_BYTES - 4] = _planes(codes[:, NODE - NODE_2 : NODE], NODE_2 // 4)
    out[:, NODE_BYTES - 4 :] = norms.astype("<f4").view(np.uint8).reshape(n, 4)
    return out


def packed_tails(codes: Bytes) -> Bytes:
    """Tails uint8[n, 64] of codes uint8[n, TAIL]."""
    return _planes(codes, LINE)


def packed_residuals(left: Floats, steps: Floats, lines: int) -> Bytes:
    """Residuals uint8[n, lines * 64]: each line's first 64 codes in lower halves of bytes.

    Args:
        left: float32[n, >= width], what a node's codes leave of each coordinate.
        steps: float32[>= width], the node's.
        lines: how many.
    """
    end = NODE_8 + RESIDUAL * lines
    bits = np.full(RESIDUAL * lines, 4)
    codes = codes_of(left[:, NODE_8:end], steps[NODE_8:end] * RESIDUAL_PART, bits)
    pair = codes.reshape(len(codes), lines, 2, LINE)
    packed = pair[:, :, 0] | pair[:, :, 1] << 4
    return np.asarray(packed, np.uint8).reshape(len(codes), lines * LINE)


def _planes(codes: Bytes, width: int) -> Bytes:
    part = codes.reshape(len(codes), 4, width)
    joined = part[:, 0] | part[:, 1] << 2 | part[:, 2] << 4 | part[:, 3] << 6
    return np.asarray(joined, np.uint8)


def separated(blocks: Bytes, width: int) -> Bytes:
    """uint8[rows, width] of blocks: `interleaved`, and `blocks_of_bytes`, the other way."""
    words = blocks.reshape(-1, width // 4, BLOCK, 4).transpose(0, 2, 1, 3)
    return words.reshape(-1, width)


def unpacked_short(packed: Bytes, fours: int) -> Bytes:
    """Codes uint8[n, short] of what `packed_short` gave, its first coordinates with 4 bits."""
    lines = packed.reshape(len(packed), packed.shape[1] // 4, 4)
    half, pair = lines[:, : fours // 8], lines[:, fours // 8 :]
    four = np.stack([half & 15, half >> 4], axis=2).reshape(len(packed), fours)
    two = np.stack([pair >> shift & 3 for shift in _SHIFTS], axis=2)
    return np.concatenate([four, two.reshape(len(packed), 16 * pair.shape[1])], axis=1)


def unpacked_axes(rotation: Bytes, low: Bytes, padded: int) -> tuple[Bytes, Bytes]:
    """The axes' codes, uint8[n, padded] each: those with 8 bits a number, those with 4."""
    packed = separated(low, padded // 2)
    return separated(rotation, padded), unpacked_short(packed, padded)


def halves(packed: Bytes) -> Bytes:
    """uint8[n, 2 * w]: the lower halves of bytes uint8[n, w], then the upper ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=1)


def pairs(packed: Bytes) -> Bytes:
    """uint8[n, 4 * w]: two bits of each byte of uint8[n, w], then the next two."""
    return np.concatenate([packed >> shift & 3 for shift in _SHIFTS], axis=1)
