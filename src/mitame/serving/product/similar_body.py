"""The body of an answer to a product-page question: put together from parts that can be kept.

The parts that differ from one answer to the next of the same question are at known places: the
query's id and the time in front, the position and the cursor at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from mitame.distances import score
from mitame.query import MatchWord, match_word
from mitame.serving.links import thumbnail

if TYPE_CHECKING:
    from mitame.embedders.protocol import EmbedderSpec

CACHE_CONTROL = b"private, no-cache"
"""A client may keep an answer, and must ask whether it still holds."""
_encode = msgspec.json.Encoder().encode
_WORDS = {word: b'"%b"' % word.encode() for word in get_args(MatchWord)}


class _ToldOne(msgspec.Struct):
    id: str


class _Told(msgspec.Struct):
    """What is read back of a body."""

    neighbors: list[_ToldOne]


_decode = msgspec.json.Decoder(_Told).decode


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told of an item that is a neighbour, whosever it is.

    Attributes:
        id: the item's.
        head: the JSON before its score.
        tail: the JSON after its match.
    """

    id: str
    head: bytes
    tail: bytes


def shown(
    collection: str, item_id: str, category: str | None, attributes: Mapping[str, Any]
) -> Shown:
    """What is told of an item."""
    head = b'{"id":%b,' % _encode(item_id)
    tail = b',"category":%b,"image":%b,"attributes":%b}' % (
        _encode(category),
        _encode(thumbnail(collection, item_id)),
        _encode(attributes),
    )
    return Shown(item_id, head, tail)


@dataclass(frozen=True)
class Facts:
    """What is told of an answer beside its neighbours; fields as in `AnswerReply`."""

    generation: int
    lens: str
    exact: bool
    complete: bool
    reason: str | None
    moved: bool | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer's body but for what changes from one time to the next.

    Attributes:
        middle: from the generation to before the position.
        cursor: what its cursor ends with; None where nothing comes after.
        etag: the header's value.
    """

    middle: bytes
    cursor: bytes | None
    etag: bytes

    def told(self) -> list[str]:
        """Ids of the neighbours."""
        return [each.id for each in _decode(b"{%b}" % self.middle).neighbors]

    def body(self, query_id: str, took_ms: float, position: int) -> bytes:
        """The whole."""
        cursor = b"null" if self.cursor is None else b'"%d.%b"' % (position, self.cursor)
        return b'{"query_id":"%b","took_ms":%b,%b,"position":%d,"cursor":%b}' % (
            query_id.encode(),
            _encode(took_ms) if took_ms else b"0.0",
            self.middle,
            position,
            cursor,
        )


def parts(
    facts: Facts,
    spec: EmbedderSpec,
    told: Sequence[tuple[Shown, float]],
    cursor: bytes | None,
) -> Parts:
    """The parts of an answer; whole, it is an `AnswerReply`.

    Args:
        facts: about it.
        spec: of the lens.
        told: the neighbours with their distances, nearest first.
        cursor: as in `Parts`.
    """
    middle = middle_of(facts, spec, told)
    tag = blake2b(middle + (cursor or b""), digest_size=9).hexdigest().encode()
    return Parts(middle, cursor, b'W/"' + tag + b'"')


def middle_of(facts: Facts, spec: EmbedderSpec, told: Sequence[tuple[Shown, float]]) -> bytes:
    """An answer's body from its generation to before its position; fields as in `AnswerReply`."""
    scores = [score(away, spec.distance) for _, away in told]
    is_reliable = bool(told) and match_word(scores[0], spec) != "weak"
    after = _encode(_After(facts.exact, facts.complete, facts.reason, is_reliable, facts.lens))
    moved = b"" if facts.moved is None else b',"moved":%b' % _encode(facts.moved)
    return b'"generation":%d,"neighbors":[%b],%b%b' % (
        facts.generation,
        b",".join(_neighbors(spec, told, scores)),
        after[1:-1],
        moved,
    )


def _neighbors(
    spec: EmbedderSpec, told: Sequence[tuple[Shown, float]], scores: Sequence[float]
) -> Iterator[bytes]:
    """Each neighbour's JSON; a `NeighborReply`."""
    numbers = _encode([*scores, *(away for _, away in told)])[1:-1].split(b",")  # all at one call
    ways = zip(told, scores, numbers, numbers[len(told) :], strict=False)
    for (item, _), value, its_score, its_distance in ways:
        yield b'%b"score":%b,"distance":%b,"match":%b%b' % (
            item.head,
            its_score,
            its_distance,
            _WORDS[match_word(value, spec)],
            item.tail,
        )


class _After(msgspec.Struct):
    """What follows the neighbours in an `AnswerReply`."""

    exact: bool
    complete: bool
    reason: str | None
    reliable: bool
    lens: str


def is_named(etag: bytes, value: bytes) -> bool:
    """Whether If-None-Match names a tag, weak ones compared with weak ones (RFC 9110, 13.1.2)."""
    return value.strip() == b"*" or etag in [part.strip() for part in value.split(b",")]
