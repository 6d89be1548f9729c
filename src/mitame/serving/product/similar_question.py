"""A product-page question, and what a collection finds for it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import msgspec
import numpy as np

from mitame.arguments import check_threshold, filter_in, lens_of
from mitame.collection import View, check_id
from mitame.collection.asked import Asked, asked_of
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import InvalidBody
from mitame.filters import Filter
from mitame.search import MAX_LIMIT, Answer, Neighbor, similar
from mitame.serving.product.similar_body import Shown, shown
from mitame.wire.similar import SimilarFields

SPARE = 10
"""Neighbours that are found beyond those asked for, so that one that goes can be made up for."""
_TABLE = 100
"""Where a neighbour table ends that was made as usual: spare ones shall not ask for a search."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        id: of the item.
        limit: how many neighbours.
        lens: its name; the first one where None.
        where: only items that pass.
        score_threshold: only items with at least this score.
    """

    id: str
    limit: int = 10
    lens: str | None = None
    where: Filter | None = None
    score_threshold: float | None = None

    @property
    def wanted(self) -> int:
        """How many neighbours to find."""
        return self.limit + (SPARE if not _TABLE - SPARE < self.limit <= _TABLE else 0)

    @property
    def is_plain(self) -> bool:
        """Whether a new vector is enough to tell if its item enters the answer."""
        return self.where is None and self.score_threshold is None


@dataclass(frozen=True)
class Found:
    """What a collection says.

    Attributes:
        lens: the name of that which was searched.
        exact: the neighbours are the true nearest.
        generation: that answered.
        position: of the journal.
        reason: why there are fewer neighbours than were wanted; None where there aren't.
        pairs: keys of neighbours and their distances, spare ones too, nearest first, ties by id.
        shown: what is told: the first of them.
        key: of the item that was asked for.
        spec: of the lens.
        asked: the item's vectors.
        log_rows: rows of the lens's log.
    """

    lens: str
    exact: bool
    generation: int
    position: int
    reason: str | None
    pairs: Sequence[tuple[int, float]]
    shown: Sequence[tuple[Shown, float]]
    key: int
    spec: EmbedderSpec
    asked: Asked
    log_rows: int


def question_of(item_id: str, fields: SimilarFields) -> Question:
    """From an id and the query string's fields.

    Raises:
        InvalidId, InvalidFilter, UsageError: one of them can't be.
    """
    where = filter_in(fields.category, fields.filter)
    threshold = check_threshold(fields.score_threshold)
    return Question(check_id(item_id), fields.limit, fields.lens, where, threshold)


def find(view: View, collection: str, question: Question) -> Found:
    """Ask a collection, by its name and view, at a moment.

    Raises:
        ItemNotFound, UnknownLens: there is none.
    """
    lens = lens_of(view.lenses, question.lens)
    answer = _asked(view, question, lens.name, question.wanted)
    key = view.keys([question.id])[question.id]
    rows = np.array([each.row for each in answer.neighbors], np.int64)
    keys = view.owner_of(lens.name, rows).tolist()
    return Found(
        lens.name,
        answer.exact,
        view.generation,
        answer.position,
        answer.reason,
        [*zip(keys, (each.distance for each in answer.neighbors), strict=True)],
        shown_of(collection, answer.neighbors[: question.limit]),
        key,
        lens.spec,
        asked_of(view.lens_rows(lens.name), view.rows_of(lens.name, [key])),
        view.lens_rows(lens.name).log_rows,
    )


def shown_of(collection: str, neighbors: Sequence[Neighbor]) -> list[tuple[Shown, float]]:
    """What is told of neighbours, with their distances."""
    return [
        (shown(collection, each.id, each.category, dict(each.attributes)), each.distance)
        for each in neighbors
    ]


def _asked(view: View, question: Question, lens: str, limit: int) -> Answer:
    return similar(
        view,
        question.id,
        lens=lens,
        limit=min(limit, MAX_LIMIT),
        where=question.where,
        score_threshold=question.score_threshold,
    )


@dataclass(frozen=True)
class Cursor:
    """Where a page ended.

    Attributes:
        position: of the journal, at which the paging began.
        seen: neighbours so far.
        distance, id: of the last one.
    """

    position: int
    seen: int
    distance: float
    id: str

    def ending(self, question: Question) -> bytes:
        """All but the position, as text; only for pages of the same question."""
        content = msgspec.msgpack.encode((_digest(question), self.seen, self.distance, self.id))
        return urlsafe_b64encode(content).rstrip(b"=")


def cursor_of(text: str, question: Question) -> Cursor:
    """What an answer's cursor says.

    Raises:
        InvalidBody: it is none, or of another question.
    """
    number, _, ending = text.partition(".")
    kind = tuple[int, int, float, str]
    try:
        content = urlsafe_b64decode(ending + "=" * (-len(ending) % 4))
        digest, seen, distance, item_id = msgspec.msgpack.decode(content, type=kind)
        cursor = Cursor(int(number[:20]), seen, distance, item_id)
    except (ValueError, msgspec.MsgspecError):
        raise _wrong("the cursor can't be read") from None
    if digest != _digest(question):
        raise _wrong("the cursor belongs to another question")
    if not 1 <= seen < MAX_LIMIT or not number.isascii():
        raise _wrong("the cursor can't be right")
    return cursor


def next_page(
    view: View, question: Question, cursor: Cursor
) -> tuple[Answer, Sequence[int], EmbedderSpec]:
    """What comes after a cursor.

    Returns:
        An answer that has it, the places of the neighbours of the page and of one more where there
        is one, and the lens's spec.

    Raises:
        ItemNotFound, UnknownLens: there is none.
    """
    lens = lens_of(view.lenses, question.lens)
    wanted = cursor.seen + question.limit + 1
    last = (cursor.distance, cursor.id)
    while True:
        answer = _asked(view, question, lens.name, wanted)
        keys = [(each.distance, each.id) for each in answer.neighbors]
        after = [place for place, key in enumerate(keys) if key > last]
        if len(after) > question.limit or not answer.complete or wanted >= MAX_LIMIT:
            return answer, after[: question.limit + 1], lens.spec
        wanted *= 2  # others have come in before the cursor


def _digest(question: Question) -> int:
    where = None if question.where is None else question.where.to_json()
    content = (question.id, question.lens, where, question.score_threshold)
    return crc32(msgspec.json.encode(content))


def _wrong(message: str) -> InvalidBody:
    return InvalidBody(message, remedy="send the one that the last page's answer had")
