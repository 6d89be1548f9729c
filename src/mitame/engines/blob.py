"""What a library wrote, as parts with a checksum each.

Libraries read their own files with little suspicion: a flipped bit may lead them out of an array.
So each blob is compared with its CRC-32 before a library sees it, and a head, which has one too,
says what the blobs are of: the engine, the rows, the dimension and the distance.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance
from mitame.engines.protocol import Parts, Rows
from mitame.errors import CorruptCollection

Bytes: TypeAlias = NDArray[np.uint8]

HEAD = "head"
FORMAT = 1
MAX_HEAD = 1 << 16
_CRC_BYTES = 4


@dataclass(frozen=True)
class Identity:
    """What blobs belong to.

    Attributes:
        engine: its name.
        rows, dimension: of the vectors that it was built over.
        distance: for which it was built.
    """

    engine: str
    rows: int
    dimension: int
    distance: Distance

    @classmethod
    def of(cls, engine: str, vectors: Rows, distance: Distance) -> Identity:
        """What blobs of this engine over float32[rows, dimension] belong to."""
        return cls(engine, len(vectors), int(vectors.shape[1]), distance)


def seal(identity: Identity, facts: Mapping[str, Any], blobs: Mapping[str, Bytes]) -> Parts:
    """Parts of these blobs.

    Args:
        identity: what they belong to.
        facts: what JSON can hold and the engine needs to open them again.
        blobs: uint8[bytes] by name; none is called "head".
    """
    head = {
        "format": FORMAT,
        **_said(identity),
        "facts": dict(facts),
        "blobs": {name: [len(blob), _checksum(blob)] for name, blob in blobs.items()},
    }
    text = json.dumps(head, sort_keys=True).encode()
    sealed = text + zlib.crc32(text).to_bytes(_CRC_BYTES, "little")
    return {HEAD: np.frombuffer(sealed, np.uint8), **blobs}


def unseal(identity: Identity, parts: Parts) -> tuple[dict[str, Any], dict[str, Bytes]]:
    """Facts and blobs, contiguous, as `seal` got them.

    Raises:
        CorruptCollection: a part is missing or damaged, or they are of something else.
    """
    head = _head(identity, parts)
    blobs = {
        name: _blob(identity, parts, name, size, checksum)
        for name, (size, checksum) in head["blobs"].items()
    }
    facts: dict[str, Any] = head["facts"]
    return facts, blobs


def _checksum(blob: Bytes) -> int:
    return zlib.crc32(blob.data)


def _said(identity: Identity) -> dict[str, Any]:
    return {
        "engine": identity.engine,
        "rows": identity.rows,
        "dimension": identity.dimension,
        "distance": identity.distance,
    }


def _head(identity: Identity, parts: Parts) -> dict[str, Any]:
    raw = _bytes(identity, parts, HEAD)
    if not _CRC_BYTES < len(raw) <= MAX_HEAD:
        raise _damaged(identity, HEAD)
    text, checksum = raw[:-_CRC_BYTES].tobytes(), raw[-_CRC_BYTES:].tobytes()
    if zlib.crc32(text).to_bytes(_CRC_BYTES, "little") != checksum:
        raise _damaged(identity, HEAD)
    head: dict[str, Any] = json.loads(text)
    expected = {"format": FORMAT, **_said(identity)}
    for key, value in expected.items():
        if head.get(key) != value:
            raise CorruptCollection(
                f"the {identity.engine} index is of {key} {head.get(key)!r}, not {value!r}"
            )
    return head


def _blob(identity: Identity, parts: Parts, name: str, size: int, checksum: int) -> Bytes:
    raw = np.ascontiguousarray(_bytes(identity, parts, name))
    if len(raw) != size or _checksum(raw) != checksum:
        raise _damaged(identity, name)
    return raw


def _bytes(identity: Identity, parts: Parts, name: str) -> Bytes:
    if name not in parts or parts[name].dtype != np.uint8 or parts[name].ndim != 1:
        raise _damaged(identity, name)
    return parts[name]


def _damaged(identity: Identity, name: str) -> CorruptCollection:
    return CorruptCollection(
        f"part {name!r} of the {identity.engine} index is missing or damaged",
        remedy="make a new snapshot with: mitame merge, or serve an older one: mitame rollback",
    )
