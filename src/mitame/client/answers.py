"""Answers of the service as the types that a local collection answers with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mitame.client.request import Reply
from mitame.collection import Item, ItemImage
from mitame.search import Answer, Neighbor
from mitame.wire.answers import NeighborReply
from mitame.wire.items import ItemInfo
from mitame.wire.queries import ExplainedAnswer, Vector


@dataclass(frozen=True)
class ServedNeighbor(Neighbor):
    """An item of an answer; its image's source is the path of its thumbnail on the server.

    Attributes:
        vector: of its nearest image, where it was asked for.
        explain: how it came to be here, where that was asked for.
    """

    vector: NDArray[np.float32] | None = None
    explain: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ServedAnswer(Answer):
    """An answer that came from a server.

    Attributes:
        neighbors: with what only a server tells of them.
        query_id: names this answer, in feedback.
        generation: of the snapshot that answered.
        cursor: asks for what comes after these; None where nothing does, or can.
        explain: how it was found, where that was asked for.
    """

    neighbors: tuple[ServedNeighbor, ...]
    query_id: str = ""
    generation: int = 0
    cursor: str | None = None
    explain: Mapping[str, Any] | None = None


def answer(reply: Reply) -> ServedAnswer:
    """An answer to a question."""
    return answer_of(msgspec.json.decode(reply.body, type=ExplainedAnswer))


def answer_of(found: ExplainedAnswer) -> ServedAnswer:
    """The same, of a body that is decoded."""
    return ServedAnswer(
        tuple(map(_neighbor, found.neighbors)),
        found.complete,
        found.reason,
        found.took_ms,
        found.exact,
        found.position,
        found.lens,
        query_id=found.query_id,
        generation=found.generation,
        cursor=_set(found.cursor),
        explain=_set(found.explain),
    )


def item(reply: Reply) -> Item:
    """An item."""
    return item_of(msgspec.json.decode(reply.body, type=ItemInfo))


def item_of(found: ItemInfo) -> Item:
    """The same, of a body that is decoded."""
    images = tuple(
        ItemImage(
            content_hash=each.content_hash,
            source=each.url,
            size=each.bytes,
            width=each.width,
            height=each.height,
            format=each.format,
        )
        for each in found.images
    )
    return Item(found.id, found.category, found.attributes, images)


def floats(vector: Vector) -> NDArray[np.float32]:
    """A vector of numbers, or of base64."""
    if isinstance(vector, str):
        return np.frombuffer(base64.b64decode(vector), "<f4").astype(np.float32)
    return np.array(vector, np.float32)


def _neighbor(found: NeighborReply) -> ServedNeighbor:
    vector = _set(found.vector)
    return ServedNeighbor(
        found.id,
        found.score,
        found.distance,
        found.match,
        found.category,
        _set(found.attributes) or {},
        ItemImage(source=None if found.since == "gone" else found.image),
        since=_set(found.since),
        vector=None if vector is None else floats(vector),
        explain=_set(found.explain),
    )


def _set(value: Any) -> Any:
    return None if value is msgspec.UNSET else value
