"""A picture as a caller hands it over: path, URL, bytes, open file or pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection import ItemImage
from mitame.embedders.protocol import Embedder
from mitame.errors import UsageError
from mitame.images.decode import Decoded, decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.images.sources import fetch, read_file

Picture: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | NDArray[np.uint8]


@dataclass(frozen=True)
class Loaded:
    """A picture with what is known of its origin.

    Attributes:
        decoded: its pixels.
        data: the file's bytes, where there was a file.
        location: absolute path or URL, where there was one.
    """

    decoded: Decoded
    data: bytes | None = None
    location: str | None = None


def load(picture: Picture, *, side: int, limits: ImageLimits, allow_private: bool) -> Loaded:
    """Read and decode a picture.

    Args:
        picture: a path, an http(s) URL, a file's bytes, a binary file object, or pixels as
            uint8[height, width, 3].
        side: shorter side that is enough, in pixels.
        limits: bounds on bytes and pixels.
        allow_private: fetch from private network addresses, too.

    Raises:
        ImageError, SourceError: it can't be read or is not a picture.
    """
    if isinstance(picture, np.ndarray):
        return Loaded(_from_pixels(picture))
    data, location = _bytes(picture, limits, allow_private)
    return Loaded(decode(data, limits=limits, min_side=side), data, location)


def item_image(
    picture: Picture,
    embedders: Mapping[str, Embedder],
    *,
    limits: ImageLimits,
    allow_private: bool,
) -> ItemImage:
    """The picture as an image of an item, with a vector for every lens.

    Args:
        picture: as in `load`.
        embedders: by lens name.
        limits, allow_private: as in `load`.
    """
    side = max(embedder.decode_side for embedder in embedders.values())
    loaded = load(picture, side=side, limits=limits, allow_private=allow_private)
    decoded, data = loaded.decoded, loaded.data
    return ItemImage(
        vectors={
            lens: embedder.embed([embedder.prepare(decoded.pixels)])[0]
            for lens, embedder in embedders.items()
        },
        content_hash=content_hash(decoded.pixels.tobytes() if data is None else data),
        source=loaded.location,
        size=None if data is None else len(data),
        width=decoded.width,
        height=decoded.height,
        format=decoded.format,
    )


def _bytes(
    picture: str | os.PathLike[str] | bytes | BinaryIO, limits: ImageLimits, allow_private: bool
) -> tuple[bytes, str | None]:
    if isinstance(picture, bytes):
        return picture, None
    if not isinstance(picture, str | os.PathLike):
        return picture.read(limits.max_bytes + 1), None
    target = os.fspath(picture)
    if target.startswith(("http://", "https://")):
        return fetch(target, allow_private=allow_private, max_bytes=limits.max_bytes), target
    return read_file(Path(target), limits), str(Path(target).absolute())


def _from_pixels(pixels: NDArray[np.uint8]) -> Decoded:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UsageError(
            f"pixels have dtype {pixels.dtype} and shape {pixels.shape}",
            remedy="give uint8[height, width, 3] in RGB",
        )
    height, width = pixels.shape[:2]
    return Decoded(np.ascontiguousarray(pixels), width, height, "pixels")
