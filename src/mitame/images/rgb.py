"""Pixels of any mode that Pillow decodes to, as 8-bit RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitame.errors import UnsupportedImage

_WHITE = (255, 255, 255)
_PLAIN = frozenset({"1", "L", "P", "CMYK", "YCbCr"})


def to_rgb(image: Image.Image, *, white_is_zero: bool = False) -> NDArray[np.uint8]:
    """A loaded picture as uint8[h, w, 3], C-contiguous; what is transparent becomes white.

    Embedded ICC profiles are ignored: samples are taken as sRGB, and CMYK is converted without
    a profile, as ``255 - min(255, c + k)`` would roughly give.

    Args:
        image: decoded already.
        white_is_zero: 16-bit grey is stored inverted (TIFF 6.0, PhotometricInterpretation 0).

    Raises:
        UnsupportedImage: samples that are no 8-bit or 16-bit colours: floating point, LAB.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return np.ascontiguousarray(np.asarray(image))
    if image.mode.startswith("I;16"):
        return _from_grey16(image, white_is_zero)
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode not in _PLAIN:
        raise UnsupportedImage(
            f"its pixels are stored as {image.mode}, not as 8-bit or 16-bit colour"
        )
    return np.ascontiguousarray(np.asarray(image.convert("RGB")))


def _on_white(image: Image.Image) -> NDArray[np.uint8]:
    with_alpha = image.convert("RGBA")
    page = Image.new("RGB", image.size, _WHITE)
    page.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return np.ascontiguousarray(np.asarray(page))


def _from_grey16(image: Image.Image, white_is_zero: bool) -> NDArray[np.uint8]:
    """The upper byte of each sample: 65,535 becomes 255, as for 16-bit colour."""
    samples = np.asarray(image)
    grey = (samples >> 8).astype(np.uint8)
    if white_is_zero:
        grey = 255 - grey
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[samples == transparent] = 255
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
