"""Pictures of any kind as small squares for the contact sheet."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from mitame.errors import ImageTooLarge, MitameError
from mitame.images.decode import decode
from mitame.images.limits import DEFAULT_LIMITS

PAPER = (255, 255, 255)


def thumbnail(path: Path, side: int) -> Image.Image | None:
    """The whole picture on a white square, RGB, `side` x `side`; None if it can't be shown.

    A picture may have gone or be damaged since it was indexed: a sheet shows a blank tile then.
    """
    try:
        decoded = decode(_read(path), min_side=side)
    except (MitameError, OSError, ValueError):
        return None
    picture = Image.fromarray(decoded.pixels)
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    square = Image.new("RGB", (side, side), PAPER)
    square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _read(path: Path) -> bytes:
    """The file's bytes; only plain files, so that a pipe can't hold the sheet up."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        data = file.read(DEFAULT_LIMITS.max_bytes + 1)
    if len(data) > DEFAULT_LIMITS.max_bytes:
        raise ImageTooLarge(f"{path} is too large")
    return data
