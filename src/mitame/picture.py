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
from mitame.errors import FetchRefused, UnreadableFile, UsageError
from mitame.images.decode import Decoded, decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.images.region import Region, cropped, side_for
from mitame.images.sources import fetch, read_file
from mitame.thumbnails.copying import Copying

Picture: TypeAlias = str | os.PathLike[str] | bytes | bytearray | BinaryIO | NDArray[np.uint8]


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
        UsageError: something that can't hold one.
    """
    if isinstance(picture, np.ndarray):
        return Loaded(_from_pixels(picture))
    data, location = _bytes(picture, limits, allow_private)
    return Loaded(decode(data, limits=limits, min_side=side), data, location)


def embedded(
    picture: Picture,
    embedder: Embedder,
    *,
    limits: ImageLimits,
    allow_private: bool,
    region: Region | None = None,
) -> NDArray[np.float32]:
    """The vector of a picture or of a box of it, float32[dim].

    Args:
        picture: as in `load`, and so are the errors.
        embedder: that makes it.
        limits, allow_private: as in `load`.
        region: the box; the whole picture where left out.
    """
    side = embedder.decode_side if region is None else side_for(embedder.decode_side, region)
    loaded = load(picture, side=side, limits=limits, allow_private=allow_private)
    pixels = loaded.decoded.pixels
    seen = pixels if region is None else cropped(pixels, region)
    vector: NDArray[np.float32] = embedder.embed([embedder.prepare(seen)])[0]
    return vector


def item_image(
    picture: Picture,
    embedders: Mapping[str, Embedder],
    *,
    limits: ImageLimits,
    allow_private: bool,
    copying: Copying | None = None,
) -> ItemImage:
    """The picture as an image of an item, with a vector for every lens.

    Args:
        picture: as in `load`.
        embedders: by lens name.
        limits, allow_private: as in `load`.
        copying: makes a small copy of a picture of which no file lies here.
    """
    side = max(embedder.decode_side for embedder in embedders.values())
    loaded = load(picture, side=side, limits=limits, allow_private=allow_private)
    decoded, data = loaded.decoded, loaded.data
    digest = content_hash(decoded.pixels.tobytes() if data is None else data)
    if copying is not None and (loaded.location is None or "://" in loaded.location):
        copying.make(digest, decoded.pixels)
    return ItemImage(
        vectors={
            lens: embedder.embed([embedder.prepare(decoded.pixels)])[0]
            for lens, embedder in embedders.items()
        },
        content_hash=digest,
        source=loaded.location,
        size=None if data is None else len(data),
        width=decoded.width,
        height=decoded.height,
        format=decoded.format,
    )


def _bytes(
    picture: str | os.PathLike[str] | bytes | bytearray | BinaryIO,
    limits: ImageLimits,
    allow_private: bool,
) -> tuple[bytes, str | None]:
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture), None
    if not isinstance(picture, str | os.PathLike):
        return _read(picture, limits), None
    target = os.fspath(picture)
    if not isinstance(target, str):
        raise _no_picture(target)
    if is_url(target):
        return fetch(target, allow_private=allow_private, max_bytes=limits.max_bytes), target
    return read_file(Path(target), limits), str(Path(target).absolute())


def is_url(target: str) -> bool:
    """Whether a picture is to be fetched; a file of that name goes first.

    Raises:
        FetchRefused: a URL that is not http(s).
    """
    if "://" not in target or os.path.lexists(target):
        return False
    if not target.lower().startswith(("http://", "https://")):
        raise FetchRefused(f"{target[:200]!r} is not an http(s) URL")
    return True


def _read(file: BinaryIO, limits: ImageLimits) -> bytes:
    """The bytes of an open file, which may be anything that a caller takes for one."""
    read = getattr(file, "read", None)
    if not callable(read):
        raise _no_picture(file)
    try:
        data = read(limits.max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise UnreadableFile(f"the picture's file can't be read ({error})") from error
    if not isinstance(data, bytes):
        raise UsageError("the picture's file gives text", remedy="open it in binary mode, 'rb'")
    return data


def _no_picture(value: object) -> UsageError:
    return UsageError(
        f"a picture can't be a {type(value).__name__}",
        remedy="give a path, a URL, the file's bytes, a binary file or uint8[height, width, 3]",
    )


def _from_pixels(pixels: NDArray[np.uint8]) -> Decoded:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UsageError(
            f"pixels have dtype {pixels.dtype} and shape {pixels.shape}",
            remedy="give uint8[height, width, 3] in RGB",
        )
    height, width = pixels.shape[:2]
    return Decoded(np.ascontiguousarray(pixels), width, height, "pixels")
