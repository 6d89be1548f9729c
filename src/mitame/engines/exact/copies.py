"""A smaller copy of the rows that is scanned instead of them, with the error of each row.

A row x is stored as a scale and a code per coordinate, so that x' = scale * code is near it, and
with e, not below the length of x - x'. Then for any query q

    |q . x - q . x'| <= |q| e        and        | |q - x| - |q - x'| | <= e

(Cauchy-Schwarz and the triangle inequality): the bounds by which no near row is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise
from mitame.engines import parallel
from mitame.engines.exact.scanning import Keys, Prepared, Take
from mitame.engines.exact.whole import FEW_QUERIES, ROUNDOFF, prepare, product, rounded_up
from mitame.engines.protocol import Parts, Rows
from mitame.errors import CorruptCollection

Codes: TypeAlias = NDArray[np.int8] | NDArray[np.float16]

_FLOATS_AT_ONCE = 1 << 20
_ROWS_FOR_FEW = 512
"""Decoded rows that stay in a core's cache until they are multiplied."""
_ROWS_FOR_MANY = 4_096
"""For many queries the product is most of the work; in small blocks its threads would wait."""
_LARGEST_INT8 = 127.0
_LEAST_FLOAT16 = 2.0**-14
"""Below it float16 and what is made of it are subnormal, which some processors handle slowly."""
_FLOAT16_BITS = np.int32(-1879056384)
"""0x8fffe000: a float16's sign, exponent and fraction within a float32's."""
_FLOAT16_SCALE = np.float32(2.0**112)
"""From a float16's exponent, taken as a float32's, to its value."""


@dataclass(frozen=True)
class Copy:
    """Codes of all rows; see `mitame.engines.exact.scanning.Scanned`.

    Attributes:
        distance: for cosine, what was coded are the rows made of length 1.
        codes: int8 or float16 [rows, dimension].
        scales, errors: float32[rows], of each row.
        squares: float32[rows], the squared length of what the codes stand for.
    """

    distance: Distance
    codes: Codes
    scales: Keys
    errors: Keys
    squares: Keys

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.codes)

    @property
    def dimension(self) -> int:
        """Codes per row."""
        return int(self.codes.shape[1])

    @property
    def memory(self) -> int:
        """Bytes of all of it."""
        arrays = (self.codes, self.scales, self.errors, self.squares)
        return sum(array.nbytes for array in arrays)

    def parts(self) -> Parts:
        """What `open_copy` reads; int8 as uint8."""
        codes = self.codes.view(np.uint8) if self.codes.dtype == np.int8 else self.codes
        return {
            "codes": codes,
            "scales": self.scales,
            "errors": self.errors,
            "squares": self.squares,
        }

    def prepare(self, queries: Rows) -> Prepared:
        """See `Scanned.prepare`."""
        return prepare(queries, self.distance, self._longest)

    def products(self, queries: Rows, take: Take) -> Keys:
        """See `Scanned.products`; without the scales, which `bounds` multiplies."""
        codes = self.codes[take]
        out = np.empty((len(queries), len(codes)), np.float32)
        step = _ROWS_FOR_FEW if len(queries) <= FEW_QUERIES else _ROWS_FOR_MANY
        decoded = np.empty((min(step, len(codes)), self.dimension), np.float32)
        with np.errstate(all="ignore"):  # damaged codes may be no numbers
            for start in range(0, len(codes), step):
                block = codes[start : start + step]
                rows = decode(block, decoded[: len(block)])
                product(queries, rows, out[:, start : start + len(block)])
        return out

    def bounds(
        self, products: Keys, prepared: Prepared, query: int, take: Take
    ) -> tuple[Keys, Keys]:
        """See `Scanned.bounds`."""
        slack, length = prepared.slacks[query], prepared.lengths[query]
        errors = self.errors[take]
        with np.errstate(all="ignore"):  # as above
            products *= self.scales[take]
            if self.distance == "euclidean":
                products *= -2
                products += self.squares[take]
                products += length * length
                off = np.sqrt(np.maximum(products, 0) + slack)
                off *= 2
                off += errors
                off *= errors
            else:
                np.negative(products, out=products)
                off = errors * length
            products += off
            off *= 2
            off += slack
        return products, off

    @cached_property
    def _longest(self) -> float:
        return float(np.sqrt(self.squares.max(initial=0.0)))


def encode(rows: Rows, distance: Distance, dtype: str, threads: int) -> Copy:
    """A copy of rows float32[n, dimension], whose lengths are far from float32's ends.

    Args:
        rows: of any length each, also for cosine.
        distance: which.
        dtype: ``int8`` or ``float16``.
        threads: at most so many.
    """
    count, dimension = rows.shape
    shape = (count, dimension)
    codes: Codes = np.empty(shape, np.int8) if dtype == "int8" else np.empty(shape, np.float16)
    copy = Copy(distance, codes, *(np.empty(count, np.float32) for _ in range(3)))
    step = max(1, _FLOATS_AT_ONCE // max(1, dimension))

    def block(start: int) -> None:
        part = slice(start, start + step)
        taken = normalise(rows[part]) if distance == "cosine" else rows[part]
        codes[part], copy.scales[part] = _encoded(taken, dtype)
        meant = codes[part].astype(np.float64) * copy.scales[part, np.newaxis]
        copy.squares[part] = np.einsum("nd,nd->n", meant, meant)
        meant -= taken
        away = np.sqrt(np.einsum("nd,nd->n", meant, meant))
        if distance == "cosine":  # rounding may have left the row as far from length 1
            away += 2e-6
        copy.errors[part] = rounded_up(away * (1 + 16 * ROUNDOFF))

    parallel.each(block, range(0, count, step), threads)
    return copy


def _encoded(rows: Rows, dtype: str) -> tuple[NDArray[Any], Keys]:
    largest = np.abs(rows).max(axis=1, initial=0.0)
    top = _LARGEST_INT8 if dtype == "int8" else 1.0
    scales = np.where(largest == 0, 1, largest / top).astype(np.float32)
    scaled = rows / scales[:, np.newaxis]
    if dtype == "int8":
        return np.clip(np.rint(scaled), -_LARGEST_INT8, _LARGEST_INT8).astype(np.int8), scales
    scaled[np.abs(scaled) < _LEAST_FLOAT16] = 0
    return scaled.astype(np.float16), scales


def decode(codes: Codes, out: Rows) -> Rows:
    """float32 of codes, in a contiguous buffer of their shape."""
    if codes.dtype == np.int8:
        np.copyto(out, codes)
        return out
    bits = out.view(np.int32)  # NumPy's own conversion takes five times as long on some machines
    np.copyto(bits, codes.view(np.int16))
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _FLOAT16_BITS, out=bits)
    np.multiply(out, _FLOAT16_SCALE, out=out)
    return out


def open_copy(rows: Rows, distance: Distance, parts: Mapping[str, NDArray[Any]]) -> Copy:
    """The copy that gave these parts; nothing is read but their shapes.

    Raises:
        CorruptCollection: they are not of a copy of such rows.
    """
    shape = np.shape(rows)
    floats = {name: parts.get(name) for name in ("scales", "errors", "squares")}
    codes = parts.get("codes")
    if codes is None or codes.shape != shape or codes.dtype not in (np.uint8, np.float16):
        raise CorruptCollection("the codes of an exact index are not those of its rows")
    found = [a for a in floats.values() if a is not None]
    if any(a.shape != shape[:1] or a.dtype != np.float32 for a in found) or len(found) != 3:
        raise CorruptCollection("the scales of an exact index are not those of its rows")
    signed = codes.view(np.int8) if codes.dtype == np.uint8 else codes
    return Copy(distance, signed, *found)
