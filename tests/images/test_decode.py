"""Bytes to pixels: right colours, right way up, and a typed error for everything else."""

from __future__ import annotations

import importlib.util
import io
import random
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mitame.errors import (
    DamagedImage,
    ImageError,
    ImageTooLarge,
    MissingExtra,
    MitameError,
    UnsupportedImage,
    UsageError,
)
from mitame.images import decode as decoding
from mitame.images.candidate import Candidate
from mitame.images.decode import decode
from mitame.images.limits import ImageLimits
from mitame.images.sources import open_source
from mitame.images.sources.names import shown
from tests.images.hostile import SUFFIX, encoded, png_chunk, png_with, sample, write_hostile_folder
from tests.images.test_exif import block

RNG = random.Random(7)
PICTURE = sample(RNG)
SAMPLES = {kind: encoded(PICTURE, kind) for kind in SUFFIX}
LOSSY = {"jpeg": 12, "jpeg-progressive": 12, "webp": 12, "avif": 12, "gif": 12, "png-palette": 12}


def saved(image: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def ramp() -> NDArray[np.uint16]:
    """Every 8-bit level in order, as 16 bits, uint16[4, 256]."""
    return np.tile(np.arange(256, dtype=np.uint16) * 257, (4, 1))


@pytest.mark.parametrize("kind", sorted(SUFFIX))
def test_every_format_gives_the_picture_back(kind: str) -> None:
    """Pixels are RGB, contiguous, and as near to the original as the format allows."""
    decoded = decode(SAMPLES[kind])
    expected = np.asarray(PICTURE.convert("L").convert("RGB") if kind in GREY else PICTURE)
    if kind == "jpeg-cmyk":
        expected = np.asarray(PICTURE.convert("CMYK").convert("RGB"))
    assert decoded.pixels.shape == (56, 72, 3)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.c_contiguous
    assert (decoded.width, decoded.height) == (72, 56)
    assert decoded.format == kind.partition("-")[0].upper()
    difference = np.abs(decoded.pixels.astype(int) - expected).mean()
    assert difference <= LOSSY.get(kind, 12 if kind.startswith("jpeg") else 0)


GREY = ("jpeg-grey", "png-16")


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_pictures_come_upright(name: str, turned: int) -> None:
    """The bright corner is where a viewer would show it, and the size is the one that is seen."""
    stored = np.zeros((32, 64, 3), np.uint8)
    stored[:16, :32] = 255
    image = Image.fromarray(stored)
    exif = Image.Exif()
    exif[0x0112] = turned
    data = saved(image, name, exif=exif)
    decoded = decode(data)
    swapped = turned >= 5
    assert (decoded.width, decoded.height) == ((32, 64) if swapped else (64, 32))
    height, width = decoded.pixels.shape[:2]
    corners = {
        "top left": decoded.pixels[4, 4, 0],
        "top right": decoded.pixels[4, width - 4, 0],
        "bottom right": decoded.pixels[height - 4, width - 4, 0],
        "bottom left": decoded.pixels[height - 4, 4, 0],
    }
    expected = [*corners][[0, 0, 1, 2, 3, 0, 1, 2, 3][turned]]
    assert max(corners, key=lambda corner: int(corners[corner])) == expected


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(name: str) -> None:
    """Level 257 v of 65,535 becomes level v of 255, for all v."""
    pixels = decode(saved(Image.fromarray(ramp()), name)).pixels
    assert np.array_equal(pixels[0, :, 0], np.arange(256))
    assert np.array_equal(pixels[0, :, 0], pixels[3, :, 2])


def test_sixteen_bit_grey_may_be_stored_inverted() -> None:
    """TIFF's WhiteIsZero turns the levels around, in 16 bits as in 8."""
    data = saved(Image.fromarray(ramp()), "TIFF")
    field = data.index(struct.pack("<HHIH", 262, 3, 1, 1))
    inverted = data[: field + 8] + b"\0\0" + data[field + 10 :]
    assert np.array_equal(decode(inverted).pixels[0, :, 0], 255 - np.arange(256))


def test_sixteen_bit_colour_is_scaled() -> None:
    """A PNG of 16 bits a channel, made by hand, since Pillow writes none."""
    rows = np.stack([ramp(), ramp()[:, ::-1], ramp() // 2], axis=2).astype(">u2")
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 256, 4, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    data += png_chunk(b"IDAT", zlib.compress(body)) + png_chunk(b"IEND", b"")
    pixels = decode(data).pixels
    assert np.array_equal(pixels[0, :, 0], np.arange(256))
    assert np.array_equal(pixels[0, :, 1], np.arange(256)[::-1])


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("RGBA", "PNG", {}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("RGBA", "TIFF", {}),
        ("LA", "PNG", {}),
        ("RGBA", "AVIF", {"quality": 100}),
    ],
)
def test_alpha_is_laid_on_white(mode: str, name: str, options: dict[str, object]) -> None:
    """Transparent becomes white, opaque stays, half-transparent lies half-way."""
    image = Image.new(mode, (48, 16), (0,) * (len(mode) - 1) + (255,))
    alpha = np.zeros((16, 48), np.uint8)
    alpha[:, 16:32], alpha[:, 32:] = 128, 255
    image.putalpha(Image.fromarray(alpha))
    pixels = decode(saved(image, name, **options)).pixels.astype(int)
    assert (np.abs(pixels[4:12, 4:12] - 255) <= 2).all()
    assert (np.abs(pixels[4:12, 20:28] - 127) <= 3).all()
    assert (pixels[4:12, 36:44] <= 2).all()


def test_transparent_colours_become_white() -> None:
    """One index of a palette, one grey level (8 and 16 bits) or one colour may be transparent."""
    palette = PICTURE.quantize(16)
    where = np.asarray(palette) == 3
    assert (decode(saved(palette, "PNG", transparency=3)).pixels[where] == 255).all()
    assert (decode(saved(palette, "GIF", transparency=3)).pixels[where] == 255).all()
    grey = Image.fromarray(ramp())
    pixels = decode(saved(grey, "PNG", transparency=257 * 9)).pixels
    assert pixels[0, 9].tolist() == [255, 255, 255]
    assert pixels[0, 10].tolist() == [10, 10, 10]
    colour = Image.new("RGB", (4, 4), (1, 2, 3))
    assert (decode(saved(colour, "PNG", transparency=(1, 2, 3))).pixels == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiff_of_every_mode_and_common_compression(mode: str, compression: str) -> None:
    """Pixels are those of Pillow's own conversion, without loss."""
    image = PICTURE.convert(mode)
    decoded = decode(saved(image, "TIFF", compression=compression))
    assert np.array_equal(decoded.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(
    ("pixels", "word"), [(np.float32(0.5), "stored as F"), (np.int32(70_000), "stored as I")]
)
def test_samples_that_are_no_colours_are_unsupported(pixels: np.generic, word: str) -> None:
    """Floating-point and 32-bit TIFFs are named as such, not shown as black or white."""
    image = Image.fromarray(np.full((4, 4), pixels))
    with pytest.raises(UnsupportedImage, match=word):
        decode(saved(image, "TIFF"))


def test_the_first_frame_is_taken() -> None:
    """Animations give their first picture, whole."""
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "lime", "blue")]
    for name in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        data = saved(frames[0], name, save_all=True, append_images=frames[1:])
        mean = decode(data).pixels.mean(axis=(0, 1))
        assert mean[0] > 240, name
        assert mean[1:].max() < 15, name


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (1, 1), (3, 40_000)])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_extreme_shapes_survive(name: str, size: tuple[int, int]) -> None:
    """Long and thin is no reason to refuse or to reduce."""
    decoded = decode(saved(Image.new("RGB", size, (9, 9, 9)), name), min_side=256)
    assert (decoded.width, decoded.height) == size
    assert decoded.pixels.shape == (size[1], size[0], 3)


def test_metadata_never_reach_the_decoder() -> None:
    """Damaged EXIF, text and profiles change nothing about the pixels."""
    plain = decode(SAMPLES["png"]).pixels
    junk = png_chunk(b"eXIf", b"II*\0\xff\xff") + png_chunk(b"iCCP", b"x") + png_chunk(b"zTXt", b"")
    assert np.array_equal(decode(png_with(junk, PICTURE)).pixels, plain)
    jpeg = SAMPLES["jpeg"]
    segment = b"Exif\0\0II*\0\xff\xff\xff\xff"
    marked = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]
    assert np.array_equal(decode(marked).pixels, decode(jpeg).pixels)


@pytest.mark.parametrize("kind", sorted(SUFFIX))
def test_limits_are_exact(kind: str) -> None:
    """A picture at the limit is decoded; one byte or pixel less is refused."""
    data = SAMPLES[kind]
    decode(data, limits=ImageLimits(max_bytes=len(data), max_pixels=72 * 56))
    with pytest.raises(ImageTooLarge, match="bytes"):
        decode(data, limits=ImageLimits(max_bytes=len(data) - 1))
    with pytest.raises(ImageTooLarge, match="72 x 56 pixels"):
        decode(data, limits=ImageLimits(max_pixels=72 * 56 - 1))


@pytest.mark.parametrize(
    ("thrown", "error"),
    [
        (MemoryError(), ImageTooLarge),
        (Image.DecompressionBombError("too many"), ImageTooLarge),
        (Image.DecompressionBombWarning("many"), ImageTooLarge),
        (RecursionError("too deep"), DamagedImage),
        (KeyError("tag"), DamagedImage),
        (SyntaxError("not a PNG file"), DamagedImage),
        (EOFError(), DamagedImage),
        (zlib.error("bad"), DamagedImage),
    ],
)
def test_whatever_a_decoder_throws_becomes_ours(
    monkeypatch: pytest.MonkeyPatch, thrown: Exception, error: type[ImageError]
) -> None:
    """Also what can't be provoked at will; the cause stays attached."""

    def throwing(data: bytes, limits: ImageLimits) -> None:
        raise thrown

    monkeypatch.setitem(decoding._DECODERS, "PNG", throwing)
    with pytest.raises(error) as caught:
        decode(SAMPLES["png"])
    assert caught.value.__cause__ is thrown
    assert "PNG" in caught.value.message


def test_min_side_must_be_a_length() -> None:
    """Zero is a mistake of the caller, not of the picture."""
    with pytest.raises(UsageError):
        decode(SAMPLES["jpeg"], min_side=0)


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is not None, reason="heic is installed")
def test_heic_without_its_extra_names_the_extra() -> None:
    """The remedy is the command that installs it."""
    with pytest.raises(MissingExtra) as caught:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    assert "mitame[heic]" in caught.value.remedy


def test_heic_with_its_extra() -> None:
    """A HEIC is decoded and turned, and one that is cut off or too large is refused."""
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra 'heic' is not installed")
    file = io.BytesIO()
    stored = np.zeros((64, 128, 3), np.uint8)
    stored[:32, :64] = 255
    pillow_heif.from_pillow(Image.fromarray(stored)).save(file, exif=block(6), quality=90)
    data = file.getvalue()
    decoded = decode(data)
    assert (decoded.format, decoded.width, decoded.height) == ("HEIC", 64, 128)
    assert decoded.pixels[10, 50].min() > 200
    assert decoded.pixels[10, 10].max() < 50
    with pytest.raises(DamagedImage):
        decode(data[: len(data) // 2])
    with pytest.raises(ImageTooLarge):
        decode(data, limits=ImageLimits(max_pixels=64 * 128 - 1))


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(sorted(SUFFIX)),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=12),
    near=st.sampled_from([40, 200, 10**6]),
    cut=st.integers(0, 10**6),
)
def test_damaged_bytes_decode_or_are_refused(
    kind: str, flips: list[tuple[int, int]], near: int, cut: int
) -> None:
    """Whatever is changed in whatever format, nothing but pixels or an ImageError comes out."""
    data = bytearray(SAMPLES[kind])
    for at, value in flips:
        data[at % min(near, len(data))] = value
    del data[len(data) - (cut % len(data) if cut % 3 == 0 else 0) :]
    try:
        decoded = decode(bytes(data), limits=ImageLimits(max_pixels=1_000_000), min_side=8)
    except (ImageError, MissingExtra):
        return
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.shape[2] == 3


@pytest.mark.parametrize("seed", [0, 1])
def test_every_file_of_the_hostile_folder_is_judged_rightly(tmp_path: Path, seed: int) -> None:
    """A walk and a decode accept all good pictures and refuse all others with a typed error."""
    expected = write_hostile_folder(tmp_path / "hostile", seed)
    source = open_source(tmp_path / "hostile")
    result: dict[str, bool] = {}
    for offer in source:
        name = shown(offer.location).removeprefix(source.root)
        assert name not in result
        result[name] = isinstance(offer, Candidate) and _decodes(offer)
    assert result == {shown(name): good for name, good in expected.items()}
    assert sum(expected.values()) > 100
    assert len(expected) > 400


def _decodes(offer: Candidate) -> bool:
    try:
        decode(offer.read())
    except MitameError:
        return False
    return True


def test_threads_do_not_disturb_each_other() -> None:
    """Many threads at once get what one thread gets."""
    kinds = sorted(SUFFIX) * 8
    alone = {kind: decode(SAMPLES[kind]).pixels for kind in SUFFIX}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda kind: decode(SAMPLES[kind]).pixels, kinds))
    for kind, pixels in zip(kinds, together, strict=True):
        assert np.array_equal(pixels, alone[kind])
