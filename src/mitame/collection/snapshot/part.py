"""A part: one array in one file, a header of 64 bytes and then its bytes, little-endian.

The header's size keeps the payload aligned to 64 bytes in a mapped file, which is a cache line
and the widest vector register. A part is written once, from start to end, and opened by mapping.

| offset | bytes | |
|---|---|---|
| 0 | 8 | ``MITAPART`` |
| 8 | 4 | version of this header, 1 |
| 12 | 4 | CRC-32 of the other 60 bytes |
| 16 | 16 | kind, ASCII, zeros after it |
| 32 | 8 | type of an element, ASCII, zeros after it |
| 40 | 4 | number of axes, 1 or 2 |
| 44 | 4 | zero |
| 48 | 16 | length of each axis, 8 bytes each; zero where there is none |
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.snapshot.sealed import REMEDY
from mitame.errors import CorruptCollection, NewerFormat
from mitame.storage.protocol import Directory

HEADER_BYTES = 64
HEADER_VERSION = 1
MAX_LENGTH = 1 << 40
"""Elements of an axis."""
TYPES: dict[str, np.dtype[Any]] = {
    "uint8": np.dtype("u1"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
}
"""The types an element may have, as they are stored."""
_MAGIC = b"MITAPART"
_FIELDS = struct.Struct("<8sII16s8sIIQQ")
_HASHED = 1 << 24
"""Bytes that are put to a checksum at once."""
Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Part:
    """What the manifest says of a part.

    Attributes:
        file: its name in the snapshot's directory.
        kind: what it holds: ``rows``, ``vectors``, ...
        dtype: one of `TYPES`.
        shape: length of each axis; one or two.
        sha256: of the whole file, header too, in hex.
        optional: a reader that doesn't know it may leave it alone.
    """

    file: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str = ""
    optional: bool = False

    @property
    def payload(self) -> int:
        """Bytes after the header."""
        return math.prod(self.shape) * TYPES[self.dtype].itemsize

    @property
    def bytes(self) -> int:
        """Bytes of the file."""
        return HEADER_BYTES + self.payload


def header(part: Part) -> bytes:
    """The first 64 bytes of a part's file."""
    return _packed(part, zlib.crc32(_packed(part, 0)))


def _packed(part: Part, checksum: int) -> bytes:
    lengths = (*part.shape, 0)[:2]
    names = (part.kind.encode(), part.dtype.encode())
    return _FIELDS.pack(_MAGIC, HEADER_VERSION, checksum, *names, len(part.shape), 0, *lengths)


def write(
    directory: Directory, part: Part, blocks: Iterable[Array], on_bytes: Callable[[int], None]
) -> str:
    """Write a part's file and wait until its bytes are on the disk (its name is not yet).

    Args:
        directory: where; a file of the part's name that is there goes first.
        part: its payload must be what the blocks have together.
        blocks: arrays of the part's type, one after another.
        on_bytes: called after each block with the bytes written.

    Returns:
        The SHA-256 of the file.
    """
    directory.remove(part.file)
    digest = hashlib.sha256(header(part))
    with directory.create(part.file) as output:
        output.write(header(part))
        for block in blocks:
            if block.size:
                data = np.ascontiguousarray(block, TYPES[part.dtype]).data.cast("B")
                digest.update(data)
                output.write(data)
                on_bytes(len(data))
        output.sync()
    return digest.hexdigest()


def check_size(directory: Directory, part: Part) -> None:
    """Look whether a part's file is there and as long as it must be.

    Raises:
        CorruptCollection: naming the part.
    """
    size = directory.size(part.file)
    if size != part.bytes:
        raise damaged(directory, part, f"has {size} of {part.bytes} bytes")


def map_part(directory: Directory, part: Part) -> Array:
    """A part's array, mapped and read-only; only its header is read.

    On a big-endian machine it is loaded, as its bytes have to be turned around.

    Raises:
        CorruptCollection, NewerFormat: naming the part.
    """
    data = directory.map(part.file)
    if len(data) != part.bytes:
        raise damaged(directory, part, f"has {len(data)} of {part.bytes} bytes")
    _check_header(directory, data[:HEADER_BYTES].tobytes(), part)
    stored: Array = np.frombuffer(data, TYPES[part.dtype], offset=HEADER_BYTES)
    array: Array = stored.astype(stored.dtype.newbyteorder("="), copy=False).reshape(part.shape)
    array.flags.writeable = False
    return array


def _check_header(directory: Directory, found: bytes, part: Part) -> None:
    if found == header(part):
        return
    magic, version, checksum = struct.unpack_from("<8sII", found)
    blank = found[:12] + bytes(4) + found[16:]
    if magic == _MAGIC and version > HEADER_VERSION and checksum == zlib.crc32(blank):
        raise NewerFormat(f"{name_of(directory, part)} has a header of version {version}")
    raise damaged(directory, part, "has a damaged header")


def digest_of(directory: Directory, part: Part) -> str:
    """The SHA-256 of a part's file as it is now."""
    data = directory.map(part.file)
    digest = hashlib.sha256()
    for start in range(0, len(data), _HASHED):
        digest.update(data[start : start + _HASHED])
    return digest.hexdigest()


def check_digest(directory: Directory, part: Part) -> None:
    """Read a whole part and compare it with its checksum.

    Raises:
        CorruptCollection: naming the part.
    """
    check_size(directory, part)
    if digest_of(directory, part) != part.sha256:
        raise damaged(directory, part, "does not fit its checksum")


def name_of(directory: Directory, part: Part) -> str:
    """The part as errors name it."""
    return f"{place(directory)}: part {part.file}"


def place(directory: Directory) -> str:
    """The snapshot as errors name it."""
    return f"snapshot {directory.path}" if directory.path else "snapshot in memory"


def damaged(directory: Directory, part: Part, what: str) -> CorruptCollection:
    """The error that says what is wrong with a part."""
    return CorruptCollection(f"{name_of(directory, part)} {what}", remedy=REMEDY)
