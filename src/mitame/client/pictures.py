"""Pictures on their way to the server."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitame.errors import UnreadableFile, UsageError
from mitame.picture import Picture, is_url

_MOST = 1_000_000_000


def file_of(picture: Picture) -> bytes | str:
    """A picture's file, or its URL, which the server fetches.

    Args:
        picture: a path, an http(s) URL, the file's bytes, a binary file object, or pixels as
            uint8[height, width, 3], which are sent as PNG.

    Raises:
        UnreadableFile, FetchRefused, UsageError: it can't be sent.
    """
    if isinstance(picture, np.ndarray):
        return _png(picture)
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, str) and is_url(picture):
        return picture
    try:
        if isinstance(picture, str | os.PathLike):
            return Path(picture).read_bytes()
        data = picture.read(_MOST)
    except AttributeError:
        raise UsageError(f"a picture can't be a {type(picture).__name__}") from None
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"the picture's file can't be read ({error})") from error
    if not isinstance(data, bytes):
        raise UsageError("the picture's file gives text", remedy="open it in binary mode, 'rb'")
    return data


def _png(pixels: NDArray[np.uint8]) -> bytes:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UsageError(
            f"pixels have dtype {pixels.dtype} and shape {pixels.shape}",
            remedy="give uint8[height, width, 3] in RGB",
        )
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
