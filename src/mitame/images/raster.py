"""All formats but JPEG to pixels, through Pillow (and pillow-heif, which is an extra)."""

from __future__ import annotations

import io
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from mitame.errors import DamagedImage, MissingExtra, UnsupportedImage
from mitame.images.exif import orientation, upright
from mitame.images.limits import ImageLimits
from mitame.images.plain import plain_gif, plain_png
from mitame.images.rgb import to_rgb
from mitame.images.tiff import plain_tiff

Picture: TypeAlias = tuple[NDArray[np.uint8], int, int]
_WIDEST_RLE = 65_535


def decode_png(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of a PNG; of an APNG the picture shown where it is not known."""
    plain = plain_png(data)
    limits.check_pixels(plain.width, plain.height)
    image = PngImagePlugin.PngImageFile(io.BytesIO(plain.data))
    image.load()
    return _seen(to_rgb(image), orientation(plain.exif))


def decode_gif(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of a GIF's first frame on its screen."""
    plain = plain_gif(data)
    limits.check_pixels(*_gif_size(plain))
    image = GifImagePlugin.GifImageFile(io.BytesIO(plain))
    limits.check_pixels(*image.size)
    image.load()
    return _seen(to_rgb(image), 1)


def _gif_size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def decode_bmp(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of a BMP."""
    image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    limits.check_pixels(*image.size)
    compressed = int.from_bytes(data[14:18], "little") >= 40 and data[30] in (1, 2)
    if compressed and image.width > _WIDEST_RLE:
        # one jump in the run-length code can stand for 255 such rows
        raise UnsupportedImage("it is a run-length BMP that is too wide")
    image.load()
    return _seen(to_rgb(image), 1)


def decode_tiff(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of a TIFF's first picture."""
    plain = plain_tiff(data)
    limits.check_pixels(plain.width, plain.height)
    limits.check_pixels(plain.tile_width, plain.tile_height)
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(plain.data))
    image.load()
    return _seen(to_rgb(image, white_is_zero=plain.white_is_zero), plain.orientation)


def decode_webp(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of a WebP's first frame."""
    _require("webp", "WebP")
    limits.check_pixels(*_webp_size(data))
    image = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    image.load()
    return _seen(to_rgb(image), orientation(image.info.get("exif", b"")))


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height by the first chunk (RFC 9649, section 2)."""
    if len(data) < 30:
        raise DamagedImage("the WebP is cut off in its header")
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = data[26:28], data[28:30]
        return _low14(width), _low14(height)
    raise DamagedImage("the WebP does not start with a picture")


def _low14(two: bytes) -> int:
    return int.from_bytes(two, "little") & 0x3FFF


def decode_avif(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of an AVIF's first frame."""
    _require("avif", "AVIF")
    image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
    limits.check_pixels(*image.size)
    image.load()
    return _seen(to_rgb(image), orientation(image.info.get("exif", b"")))


def decode_heic(data: bytes, limits: ImageLimits) -> Picture:
    """Pixels, width and height of a HEIC's primary picture.

    Raises:
        MissingExtra: pillow-heif is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtra("reading a HEIC picture", "heic") from error
    picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    limits.check_pixels(*picture.size)
    # libheif turns the picture itself
    return _seen(to_rgb(picture.to_pillow()), 1)


def _require(feature: str, name: str) -> None:
    if not features.check(feature):
        raise UnsupportedImage(f"it is {name}, which the installed Pillow was built without")


def _seen(pixels: NDArray[np.uint8], turned: int) -> Picture:
    """Picture turned upright, with its own width and height."""
    pixels = upright(pixels, turned)
    return pixels, pixels.shape[1], pixels.shape[0]
