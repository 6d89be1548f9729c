"""From a question to its answer's body: vectors made, the collection asked, the answer told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from mitame.arguments import lens_of
from mitame.collection import Lens, View, index_status
from mitame.distances import exact
from mitame.embedders.protocol import TextEmbedder
from mitame.errors import NoTextSide, SpecMismatch
from mitame.feedback import AskedQuestion
from mitame.feedback.question import MAX_ANSWER
from mitame.lenses import OWN_VECTORS
from mitame.questions import Answered, ask
from mitame.serving.links import thumbnail
from mitame.serving.service import Service
from mitame.serving.v1.questions import Asked, Picture, Text
from mitame.wire.answers import NeighborReply
from mitame.wire.queries import ExplainedAnswer

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.search import Neighbor

Floats = NDArray[np.float32]
TRIES = 3


class LensMoved(SpecMismatch):
    """The lens got another embedder while a picture was embedded: embed it again."""


@dataclass(frozen=True)
class Vectors:
    """What became of a question's pictures and texts.

    Attributes:
        made: float32[dimension] each.
        fingerprint: of the spec that they are of; None where there are none.
    """

    made: Sequence[Floats] = ()
    fingerprint: str | None = None


async def embedded(service: Service, collection: Collection, asked: Asked) -> Vectors:
    """The vectors of a question's pictures and texts, by the lens as it is now.

    Raises:
        UnknownLens, NoTextSide, ImageError, SourceError, UsageError: they can't be made.
    """
    if not asked.made:
        return Vectors()
    lens = lens_of(collection.lenses, asked.body.lens)
    pictures = [each.source for each in asked.made if isinstance(each, Picture)]
    texts = [each.text for each in asked.made if isinstance(each, Text)]
    seen: Sequence[Floats] = ()
    if pictures:
        found = await service.embedding.vectors(collection, lens.name, pictures, asked.region)
        seen = list(found)
    read = await _read(service, lens, texts)
    of = {Picture: iter(seen), Text: iter(read)}
    return Vectors([next(of[type(each)]) for each in asked.made], lens.spec.fingerprint)


async def _read(service: Service, lens: Lens, texts: Sequence[str]) -> Sequence[Floats]:
    """The vectors of texts."""
    if not texts:
        return ()
    embedder = None if lens.spec.name == OWN_VECTORS else await service.embedding.of(lens)
    if not isinstance(embedder, TextEmbedder):
        raise NoTextSide(f"the lens {lens.name!r} has no text side")
    return await service.threads.run(embedder.embed_text, texts)


def answer(view: View, asked: Asked, vectors: Vectors) -> Answered:
    """Ask the library.

    Raises:
        LensMoved: the vectors are of another embedder than the lens has at this moment.
    """
    lens = lens_of(view.lenses, asked.body.lens)
    if vectors.fingerprint is not None and vectors.fingerprint != lens.spec.fingerprint:
        raise LensMoved(f"the lens {lens.name!r} is being switched", remedy="ask again")
    return ask(view, asked.question(view, vectors.made))


def told(
    view: View, collection: str, asked: Asked, found: Answered, query_id: str
) -> ExplainedAnswer:
    """The answer as a body.

    Args:
        view: the moment that was asked.
        collection: its name.
        asked: the question.
        found: the answer.
        query_id: of the answer.
    """
    one, wishes = found.answer, frozenset(asked.body.wishes)
    reply = ExplainedAnswer(
        query_id=query_id,
        neighbors=_neighbors(one.neighbors, collection, "attributes" in wishes),
        generation=view.generation,
        took_ms=round(one.took_ms, 3),
        exact=one.exact,
        complete=one.complete,
        reason=one.reason,
        reliable=one.reliable,
        position=one.position,
        lens=one.lens,
    )
    if "vector" in wishes and one.neighbors:
        rows = np.array([each.row for each in one.neighbors], np.int64)
        vectors = view.vectors_at(one.lens, rows)
        for neighbor, vector in zip(reply.neighbors, vectors, strict=True):
            neighbor.vector = vector.tolist()
    if "explain" in wishes:
        _explain(view, asked, found, reply)
    return reply


def remembered(view: View, asked: Asked, found: Answered) -> AskedQuestion:
    """What is kept of a question and its answer, for feedback."""
    one = found.answer
    named = (*asked.near, *asked.positive, *asked.negative)
    return AskedQuestion(
        asked.kind,
        one.lens,
        view.lenses[one.lens].spec.fingerprint,
        one.position,
        [each for each in named if isinstance(each, str)],
        [each.id for each in one.neighbors[:MAX_ANSWER]],
        None if asked.where is None else asked.where.to_json(),
        found.vectors,
    )


def _neighbors(
    found: Sequence[Neighbor], collection: str, with_attributes: bool
) -> list[NeighborReply]:
    return [
        NeighborReply(
            id=one.id,
            score=one.score,
            distance=one.distance,
            match=one.match,
            category=one.category,
            image=thumbnail(collection, one.id),
            attributes=dict(one.attributes) if with_attributes else msgspec.UNSET,
            since=msgspec.UNSET if one.since is None else one.since,
        )
        for one in found
    ]


def _explain(view: View, asked: Asked, found: Answered, reply: ExplainedAnswer) -> None:
    lens, where = found.answer.lens, asked.where
    spec = view.lenses[lens].spec
    reply.explain = {
        "asked": asked.kind,
        "query_vectors": None if found.vectors is None else len(found.vectors),
        "candidates": found.candidates,
        "items": view.count(),
        "passing": None if where is None else view.count(where),
        "filter": None if where is None else where.to_json(),
        "index": index_status(view, lens).to_json(),
        "embedder": spec.name,
        "distance": spec.distance,
        "same_at": spec.same_at,
        "similar_at": spec.similar_at,
    }
    for neighbor, one in zip(reply.neighbors, found.answer.neighbors, strict=True):
        image = one.image
        neighbor.explain = {
            "content_hash": image.content_hash,
            "width": image.width,
            "height": image.height,
            "nearest_query_vector": _nearest(view, lens, one, found.vectors),
        }


def _nearest(view: View, lens: str, one: Neighbor, vectors: Floats | None) -> int | None:
    """Which of several query vectors the neighbour is nearest to."""
    if vectors is None or len(vectors) < 2:
        return None
    row = view.vectors_at(lens, np.array([one.row], np.int64))[0]
    return int(np.argmin(exact(row, vectors, view.lenses[lens].spec.distance)))
