"""What looks like this? One question, or many at one moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from mitame.errors import (
    BodyTooLarge,
    CollectionNotFound,
    GenerationNotFound,
    ImageError,
    InvalidBody,
    InvalidFilter,
    InvalidVector,
    ItemNotFound,
    MitameError,
    NoTextSide,
    Overloaded,
    SourceError,
    UnknownLens,
    UnsupportedMedia,
)
from mitame.serving import bodies
from mitame.serving.callers.roles import Role
from mitame.serving.dimensions import check_dimension
from mitame.serving.pictures.forms import MULTIPART, check_names, only, parts_of
from mitame.serving.replies import reply
from mitame.serving.routes import JSON, Call, Route
from mitame.serving.v1.answering import (
    TRIES,
    LensMoved,
    Vectors,
    answer,
    embedded,
    remembered,
    told,
)
from mitame.serving.v1.questions import Asked, floats_of, of_body, of_fields
from mitame.wire.queries import (
    BatchAnswer,
    BatchAnswers,
    ExplainedAnswer,
    Options,
    QueryBatch,
    QueryBody,
    QueryFields,
)

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.config import LimitsConfig

PATH = "/v1/collections/{collection}/query"
FLOATS = "application/octet-stream"
_PLACES = "put them into the body, unless that is a picture or a vector alone"
_AT_ONCE = 8
"""Questions of a batch whose pictures are under way at once."""


async def queried(call: Call) -> Response:
    """Answer one question."""
    collection = await call.collection()
    asked = await _asked(call)
    check_dimension(asked.widest, call.service.config.limits)
    for _ in range(TRIES):
        vectors = await embedded(call.service, collection, asked)
        try:
            response = await call.service.threads.run(_answered, call, collection, asked, vectors)
        except LensMoved as error:
            moved = error
        else:
            if asked.vector is not None:
                call.service.learning.asked(
                    call.params["collection"], collection, asked.body.lens, asked.vector
                )
            return response
    raise moved


def _answered(call: Call, collection: Collection, asked: Asked, vectors: Vectors) -> Response:
    name, query_id = call.params["collection"], call.service.query_ids.next()
    store, generation = collection.store, asked.body.generation
    with store.pin() as now, store.alone(now, generation) as view:
        found = answer(view, asked, vectors)
        body = told(view, name, asked, found, query_id)
        kept = remembered(view, asked, found)
    call.service.remembering.put(name, collection, query_id, kept)
    return reply(body)


async def _asked(call: Call) -> Asked:
    media = bodies.media_type(call.request)
    if media in (JSON, MULTIPART) and call.request.url.query:
        raise InvalidBody("options stand in the query string and in the body", remedy=_PLACES)
    if media == JSON:
        data = await call.raw()
        if len(data) <= bodies.AT_ONCE:
            return _of_json(data)
        return await call.service.threads.run(_of_json, data)
    if media == MULTIPART:
        kind = call.request.headers["content-type"]
        return await call.service.threads.run(_of_form, await call.raw(), kind)
    if media == FLOATS or media.startswith("image/"):
        body = of_fields(call.query(QueryFields))
        data = await call.raw()
        return of_body(body, floats_of(data, "the body") if media == FLOATS else data)
    raise UnsupportedMedia(
        f"the content type is {media[:80]!r}" if media else "there is no content type",
        remedy=f"send {JSON}, {MULTIPART}, {FLOATS} or a picture's own",
    )


def _of_json(data: bytes) -> Asked:
    return of_body(bodies.decoded(data, QueryBody))


def _of_form(data: bytes, content_type: str) -> Asked:
    parts = parts_of(data, content_type)
    check_names(parts, "image", "query")
    picture, query = only(parts, "image"), only(parts, "query")
    if picture is None:
        raise InvalidBody("the form has no part 'image'", remedy="give a picture's file")
    body = QueryBody() if query is None else bodies.decoded(query.data, QueryBody)
    return of_body(body, picture.data)


@dataclass(frozen=True)
class _Row:
    """A question of a batch, or what is wrong with it."""

    asked: Asked | None
    vectors: Vectors = field(default_factory=Vectors)
    error: MitameError | None = None


async def queried_together(call: Call) -> Response:
    """Answer many questions, all at one moment; one that is wrong does not touch the others."""
    collection, limits = await call.collection(), call.service.config.limits
    batch = await call.body(QueryBatch, max_bytes=int(limits.batch_body_mb * 1_000_000))
    if len(batch.queries) > limits.batch_rows:
        raise BodyTooLarge(
            f"the batch has {len(batch.queries)} queries, more than {limits.batch_rows}"
        )
    started = time.monotonic()
    run = call.service.threads.run
    rows = await run(lambda: [_row(raw, limits) for raw in batch.queries])
    for _ in range(TRIES):
        ready: list[_Row] = []
        for first in range(0, len(rows), _AT_ONCE):
            part = rows[first : first + _AT_ONCE]
            works = (_with_vectors(call, collection, row) for row in part)
            ready += await asyncio.gather(*works)
        try:
            until = started + limits.answer_seconds * 0.8
            return await run(_answered_together, call, collection, ready, until)
        except LensMoved as error:
            moved = error
    raise moved


def _row(raw: msgspec.Raw, limits: LimitsConfig) -> _Row:
    try:
        asked = _of_json(bytes(raw))
        check_dimension(asked.widest, limits)
    except MitameError as error:
        return _Row(None, error=error)
    return _Row(asked)


async def _with_vectors(call: Call, collection: Collection, row: _Row) -> _Row:
    if row.asked is None or not row.asked.made:
        return row
    try:
        return _Row(row.asked, await embedded(call.service, collection, row.asked))
    except MitameError as error:
        return _Row(None, error=error)


def _answered_together(
    call: Call, collection: Collection, rows: Sequence[_Row], until: float
) -> Response:
    name, answers = call.params["collection"], []
    with collection.store.pin() as now:
        for row in rows:
            error = row.error
            if row.asked is not None and time.monotonic() > until:
                error = Overloaded("there was no time left", remedy="send fewer at once")
            elif row.asked is not None:
                try:
                    query_id = call.service.query_ids.next()
                    with collection.store.alone(now, row.asked.body.generation) as view:
                        found = answer(view, row.asked, row.vectors)
                        told_ = told(view, name, row.asked, found, query_id)
                        kept = remembered(view, row.asked, found)
                    answers.append(BatchAnswer(status=200, answer=told_))
                    call.service.remembering.put(name, collection, query_id, kept)
                    continue
                except LensMoved:
                    raise
                except MitameError as wrong:
                    error = wrong
            assert error is not None
            answers.append(BatchAnswer(status=error.status, code=error.code, detail=error.line()))
    return reply(BatchAnswers(answers=answers))


_ERRORS = (
    CollectionNotFound,
    GenerationNotFound,
    ItemNotFound,
    UnknownLens,
    InvalidFilter,
    InvalidVector,
    NoTextSide,
    ImageError,
    SourceError,
)
ROUTES = (
    Route(
        "POST",
        PATH,
        queried,
        Role.READ,
        "What looks like this?",
        ExplainedAnswer,
        QueryBody,
        QueryFields,
        media=(JSON, MULTIPART, FLOATS, "image/*"),
        form={"image": bytes, "query": Options},
        errors=_ERRORS,
        tag="queries",
    ),
    Route(
        "POST",
        "/v1/collections/{collection}/query:batch",
        queried_together,
        Role.READ,
        "Many questions, answered at one moment",
        BatchAnswers,
        QueryBatch,
        errors=_ERRORS,
        tag="queries",
    ),
)
