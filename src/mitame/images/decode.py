"""Bytes to RGB pixels: under limits, whatever the bytes are, with the reason where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitame.errors import DamagedImage, ImageTooLarge, MitameError, UsageError
from mitame.images.formats import sniff
from mitame.images.jpeg import decode_jpeg
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.raster import (
    decode_avif,
    decode_bmp,
    decode_gif,
    decode_heic,
    decode_png,
    decode_tiff,
    decode_webp,
)

_DECODERS = {
    "PNG": decode_png,
    "GIF": decode_gif,
    "BMP": decode_bmp,
    "TIFF": decode_tiff,
    "WEBP": decode_webp,
    "AVIF": decode_avif,
    "HEIC": decode_heic,
}


@dataclass(frozen=True)
class Decoded:
    """A picture.

    Attributes:
        pixels: uint8[h, w, 3], RGB, C-contiguous, perhaps read-only; h and w may be smaller
            than the picture's own.
        width, height: the picture's own size in pixels, as it is seen (after EXIF orientation).
        format: ``JPEG``, ``PNG``, ``WEBP``, ``GIF``, ``BMP``, ``TIFF``, ``AVIF`` or ``HEIC``.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str


def decode(
    data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS, min_side: int | None = None
) -> Decoded:
    """Decode one picture; safe to call from several threads at once.

    The content decides the format. The first frame is taken, transparency becomes white, 16-bit
    samples become 8-bit, and embedded ICC profiles are ignored. Limits are checked by the
    header, before any pixel is decoded. Neither warnings nor settings of Pillow are touched.

    Args:
        data: the whole file.
        limits: what is refused.
        min_side: length in pixels that the shorter side of `pixels` must have at least. A JPEG
            is then decoded at the smallest of libjpeg's scales up to 1/2 that is enough (see
            `mitame.images.jpeg.decode_jpeg`); other formats come whole.

    Raises:
        EmptyImage: no bytes.
        NotAnImage: the content is something else.
        UnsupportedImage: a known format or kind that is not read here.
        DamagedImage: cut off or corrupt.
        ImageTooLarge: over a limit, or more than fits in memory.
        MissingExtra: HEIC without the extra ``heic``.
    """
    if min_side is not None and min_side < 1:
        raise UsageError(f"min_side must be at least 1, not {min_side}")
    limits.check_bytes(len(data))
    name = sniff(data)
    with _own_errors(name):
        if name == "JPEG":
            pixels, width, height = decode_jpeg(data, limits, min_side)
        else:
            pixels, width, height = _DECODERS[name](data, limits)
    return Decoded(pixels, width, height, name)


@contextmanager
def _own_errors(name: str) -> Iterator[None]:
    """Whatever a decoder throws at hostile bytes, as one of the errors that `decode` promises."""
    try:
        yield
    except MitameError:
        raise
    except MemoryError as error:
        raise ImageTooLarge(f"the {name} needs more memory than there is") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(f"the {name} has more pixels than Pillow is set to decode") from error
    except Exception as error:  # decoders throw nearly every kind of exception at damaged bytes
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DamagedImage(f"the {name} is cut off or corrupt ({reason})") from error
