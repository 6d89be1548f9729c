"""Two ways of telling that pictures are the same: by their bytes, and by how they look."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 32
_KEPT = 8


def content_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """How a picture looks, in 64 bits: near-copies differ in few of them.

    The picture is reduced to 32 x 32 grey pixels; of its discrete cosine transform the 8 x 8
    lowest frequencies less the mean are kept, and each gives one bit: above their median or not
    (the "pHash" of Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*,
    2010, section 3.2). Compare two with ``(a ^ b).bit_count()``: up to about 10 means a resized
    or recompressed copy, unrelated pictures differ in about 32.

    Args:
        pixels: uint8[h, w, 3] RGB, at least 1 x 1.

    Returns:
        0 to 2**64 - 1.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    grey = np.asarray(small, dtype=np.float64)
    low = (_COSINES @ grey @ _COSINES.T).ravel()
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _cosines() -> NDArray[np.float64]:
    """Rows 1 to 8 of the DCT-II of 32 samples, float64[8, 32]; row 0 would be the mean."""
    frequency = np.arange(1, _KEPT + 1)[:, np.newaxis]
    sample = np.arange(_SIDE)[np.newaxis, :]
    return np.cos(np.pi * frequency * (2 * sample + 1) / (2 * _SIDE))


_COSINES = _cosines()
