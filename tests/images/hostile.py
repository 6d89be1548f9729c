"""A folder of several hundred files that want to hurt whoever reads them, and of good pictures.

`write_hostile_folder` says of each what must become of it, so that tests of decoding, of sources
and of indexing can all use it.
"""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIX = {
    "jpeg": ".jpg",
    "jpeg-progressive": ".jpg",
    "jpeg-grey": ".jpeg",
    "jpeg-cmyk": ".jpg",
    "png": ".png",
    "png-palette": ".png",
    "png-16": ".png",
    "png-alpha": ".png",
    "webp": ".webp",
    "webp-lossless": ".webp",
    "gif": ".gif",
    "bmp": ".bmp",
    "tiff": ".tif",
    "tiff-lzw": ".tiff",
    "avif": ".avif",
}
_NAMES = (
    "見た目.jpg",
    "صورة.jpg",
    "картинка.jpg",
    "ภาพถ่าย.jpg",
    "ελληνικά.jpg",
    "हिन्दी.jpg",
    "🦊🏔.jpg",
    "\u00e9 as one.jpg",
    "e\u0301 as two.jpg",
    "right\u202eto left.jpg",
    " spaces  around .jpg",
    "100%25 #1 ?a=b&c.jpg",
    "-rf.jpg",
    "$(true) `true`; true.jpg",
    "quote'\".jpg",
    "SHOUTING.JPG",
    "two.dots.jpg",
    "x" * 240 + ".jpg",
)
_UNUSABLE_NAMES = (b"new\nline.jpg", b"bell\x07.jpg", b"not utf-8 \xff\xfe.jpg")


_OPTIONS: dict[str, dict[str, object]] = {
    "jpeg-progressive": {"progressive": True},
    "webp-lossless": {"lossless": True},
    "tiff-lzw": {"compression": "tiff_lzw"},
    "avif": {"speed": 10},
}


def sample(rng: random.Random, width: int = 72, height: int = 56) -> Image.Image:
    """A picture like no other: slopes with some noise."""
    noise = np.random.default_rng(rng.randrange(2**32)).integers(0, 40, (height, width, 3))
    y, x = np.mgrid[0:height, 0:width]
    turns = [rng.uniform(0.5, 3) for _ in range(3)]
    slopes = np.stack([x * turns[0] + y, y * turns[1], (x + y) * turns[2]], axis=2)
    return Image.fromarray(((slopes + noise) % 256).astype(np.uint8))


def encoded(image: Image.Image, kind: str) -> bytes:
    """The picture in one of the kinds that `SUFFIX` lists."""
    if kind == "png-16":
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        return _saved(Image.fromarray(grey), "PNG")
    name, _, how = kind.partition("-")
    changed = {
        "grey": lambda: image.convert("L"),
        "cmyk": lambda: image.convert("CMYK"),
        "palette": lambda: image.quantize(64),
        "alpha": lambda: image.convert("RGBA"),
    }.get(how, lambda: image)()
    options = _OPTIONS.get(kind, {})
    return _saved(changed, name.upper(), **options)


def _saved(image: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def write_hostile_folder(path: Path, seed: int = 0) -> dict[str, bool]:
    """Fill a folder, which is made if need be.

    Args:
        path: the folder; empty.
        seed: another seed makes other pictures, offsets and flips.

    Returns:
        For each name, relative to the folder, that a walk must come upon: True when it must be
        offered and decode, False when it must be refused, by whichever stage, with a typed error.
        What is not listed (hidden files, other extensions, loops of links) must be passed over.
    """
    path.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    files = {**_good(rng), **_cut(rng), **_flipped(rng), **_bombs(), **_other_things(rng)}
    for name, (data, _) in files.items():
        (path / name).write_bytes(data)
    expected = {name: good for name, (_, good) in files.items()}
    expected.update(_write_names(path, rng))
    expected.update(_write_special_files(path, rng))
    return expected


_Files = dict[str, tuple[bytes, bool]]


def _good(rng: random.Random) -> _Files:
    """Every format under its own extension, and under those of others."""
    files: _Files = {}
    for kind, suffix in SUFFIX.items():
        files[f"good-{kind}{suffix}"] = encoded(sample(rng), kind), True
        for wrong in rng.sample(sorted({".jpg", ".png", ".gif", ".webp", ".bmp"} - {suffix}), 3):
            files[f"misnamed-{kind}{wrong}"] = encoded(sample(rng), kind), True
    return files


def _cut(rng: random.Random) -> _Files:
    """Every format cut off at many places, none so late that all pixels are there."""
    files: _Files = {}
    for kind, suffix in SUFFIX.items():
        data = encoded(sample(rng), kind)
        early = [1, 2, 3, 5, 8, 13, 20, 33]
        for at in [*early, *(rng.randrange(34, len(data) - 40) for _ in range(10))]:
            files[f"cut-{kind}-{at}{suffix}"] = data[:at], False
    png, gif = encoded(sample(rng), "png"), encoded(sample(rng), "gif")
    files["cut-after-pixels.png"] = png[:-12], True
    files["cut-after-pixels.gif"] = gif[:-1], True
    return files


def _flipped(rng: random.Random) -> _Files:
    """Flipped bits where it is certain what becomes of it."""
    files: _Files = {}
    for i in range(30):
        png = encoded(sample(rng), "png")
        start = png.index(b"IDAT") + 4
        files[f"flip-checked-{i}.png"] = _flip(png, rng.randrange(start, len(png) - 20), rng), False
        bmp = encoded(sample(rng), "bmp")
        files[f"flip-pixel-{i}.bmp"] = _flip(bmp, rng.randrange(60, len(bmp)), rng), True
        kind = rng.choice(sorted(set(SUFFIX) - {"avif"}))
        first = encoded(sample(rng), kind)
        files[f"flip-magic-{i}{SUFFIX[kind]}"] = _flip(first, 1, rng), False
    return files


def _flip(data: bytes, at: int, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its right checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(chunks: bytes, image: Image.Image) -> bytes:
    """A PNG with chunks put in after its header."""
    data = encoded(image, "png")
    return data[:33] + chunks + data[33:]


def png_bomb(side: int) -> bytes:
    """A whole, valid PNG of black, a thousand times smaller than its pixels."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packed = zlib.compress(bytes((side + 7) // 8 + 1) * side, 9)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff_bytes(fields: dict[int, tuple[int, int, int]], tail: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory: tag to kind, count and value; then `tail`."""
    entries = b"".join(struct.pack("<HHII", tag, *fields[tag]) for tag in sorted(fields))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + entries + b"\0" * 4 + tail


def header_bombs(side: int = 20_000) -> dict[str, bytes]:
    """Files that say that they have side x side pixels, by extension."""
    gif = encoded(Image.new("P", (8, 8)), "gif")
    bmp = encoded(Image.new("L", (8, 8)), "bmp")
    jpeg = encoded(Image.new("RGB", (8, 8)), "jpeg")
    frame = jpeg.index(b"\xff\xc0") + 5
    canvas = struct.pack("<I", side - 1)[:3] * 2
    extended = b"VP8X" + struct.pack("<II", 10, 0) + canvas
    pixels = encoded(Image.new("RGB", (8, 8)), "webp")[12:]
    webp = b"WEBP" + extended + pixels
    fields = {256: (4, 1, side), 257: (4, 1, side), 258: (3, 1, 8), 259: (3, 1, 8), 262: (3, 1, 1)}
    return {
        ".png": png_bomb(side),
        ".gif": gif[:6] + struct.pack("<HH", side, side) + gif[10:],
        ".bmp": bmp[:18] + struct.pack("<ii", side, side) + bmp[26:],
        ".jpg": jpeg[:frame] + struct.pack(">HH", side, side) + jpeg[frame + 4 :],
        ".webp": b"RIFF" + struct.pack("<I", len(webp)) + webp,
        ".tif": tiff_bytes({**fields, 273: (4, 1, 8), 279: (4, 1, 8)}),
    }


def _bombs() -> _Files:
    files: _Files = {f"bomb{suffix}": (data, False) for suffix, data in header_bombs().items()}
    rng = random.Random(1)
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(40_000_000), 9))
    profile = png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(40_000_000), 9))
    files["text-bomb-in-good.png"] = png_with(text, sample(rng)), True
    files["profile-bomb-in-good.png"] = png_with(profile, sample(rng)), True
    files["many-chunks-in-good.png"] = (
        png_with(png_chunk(b"tEXt", b"a\0b") * 5_000, sample(rng)),
        True,
    )
    files["many-scans.jpg"] = _many_scans(encoded(sample(rng), "jpeg-progressive"), 500), False
    frames = [sample(rng, 16, 16) for _ in range(60)]
    for name, suffix in (("GIF", ".gif"), ("TIFF", ".tif"), ("WEBP", ".webp"), ("PNG", ".png")):
        data = _saved(frames[0], name, save_all=True, append_images=frames[1:])
        files[f"many-frames{suffix}"] = data, True
    return files


def _many_scans(data: bytes, times: int) -> bytes:
    """A progressive JPEG with its last scan again and again."""
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + data[-2:]


def _other_things(rng: random.Random) -> _Files:
    """What is no picture at all, under a picture's name."""
    svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'
    things = {
        "empty": b"",
        "zeros": bytes(5_000),
        "text": b"This is no picture.\n" * 40,
        "utf-16": "nor is this".encode("utf-16"),
        "svg": svg,
        "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (w) file\n",
        "zip": b"PK\x03\x04" + bytes(60),
        "photoshop": b"8BPS\0\x01" + bytes(60),
        "jpeg-xl": b"\xff\x0a" + bytes(60),
        "jpeg-2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
        "icon": b"\0\0\x01\0\x01\0" + bytes(60),
        "mp4": b"\0\0\0\x18ftypisom" + bytes(60),
        "program": b"\x7fELF" + bytes(60),
        "netpbm": b"P6\n4 4\n255\n" + bytes(48),
    }
    files = {f"not-{name}.jpg": (data, False) for name, data in things.items()}
    for i in range(20):
        files[f"noise-{i}.png"] = b"\x01" + rng.randbytes(rng.randrange(1, 4000)), False
    return files


def _write_names(path: Path, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Good pictures under odd names."""
    for name in _NAMES:
        if (path / name).exists():
            continue  # a file system that takes two names for one
        (path / name).write_bytes(encoded(sample(rng), "jpeg"))
        yield name, True
    for raw in _UNUSABLE_NAMES:
        name = os.fsdecode(raw)
        try:
            (path / name).write_bytes(encoded(sample(rng), "jpeg"))
        except OSError:
            continue  # a file system that takes no such names
        yield name, False


def _write_special_files(path: Path, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Folders, links, a pipe, and a file without permissions."""
    (path / "folder.jpg" / "deep.png").mkdir(parents=True)
    (path / "folder.jpg" / "deep.png" / "good.jpg").write_bytes(encoded(sample(rng), "jpeg"))
    yield "folder.jpg/deep.png/good.jpg", True
    long = "/".join("y" * 200 for _ in range(5))
    (path / long).mkdir(parents=True)
    (path / long / "too long.jpg").write_bytes(encoded(sample(rng), "jpeg"))
    yield f"{long}/too long.jpg", False
    for passed_over in (".hidden.jpg", ".git/object.jpg", "notes.txt", "clip.mp4", "no extension"):
        (path / passed_over).parent.mkdir(exist_ok=True)
        (path / passed_over).write_bytes(encoded(sample(rng), "jpeg"))
    yield from _write_links(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(path / "pipe.jpg")
        yield "pipe.jpg", False
    locked = path / "locked.jpg"
    locked.write_bytes(encoded(sample(rng), "jpeg"))
    locked.chmod(0)
    yield "locked.jpg", os.access(locked, os.R_OK)  # nothing is locked for root


def _write_links(path: Path) -> Iterator[tuple[str, bool]]:
    (path / "loop").symlink_to(path, target_is_directory=True)
    (path / "folder.jpg" / "up").symlink_to(path / "folder.jpg", target_is_directory=True)
    (path / "to-itself").symlink_to(path / "to-itself")
    (path / "to-itself.jpg").symlink_to(path / "to-itself.jpg")
    yield "to-itself.jpg", False
    (path / "to-nothing.jpg").symlink_to(path / "nothing")
    yield "to-nothing.jpg", False
    (path / "to-good.jpg").symlink_to(path / "good-jpeg.jpg")
    yield "to-good.jpg", True
