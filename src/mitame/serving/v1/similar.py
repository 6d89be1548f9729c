"""The product-page question: what looks like this item."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.responses import Response

from mitame.collection.sketches import Sketcher
from mitame.errors import (
    CollectionNotFound,
    InvalidBody,
    InvalidFilter,
    InvalidId,
    ItemNotFound,
    UnknownLens,
)
from mitame.search import MAX_LIMIT
from mitame.serving.callers.roles import Role
from mitame.serving.product.answers import Answers, Ticket
from mitame.serving.product.followed import Lists, lists_of
from mitame.serving.product.kept import Kept, fitting
from mitame.serving.product.query_ids import about_item, about_remembered
from mitame.serving.product.similar_body import CACHE_CONTROL, Facts, Parts, is_named, parts
from mitame.serving.product.similar_question import (
    Cursor,
    Question,
    cursor_of,
    find,
    next_page,
    question_of,
    shown_of,
)
from mitame.serving.routes import Call, Route
from mitame.wire.answers import AnswerReply
from mitame.wire.similar import SimilarFields

if TYPE_CHECKING:
    from mitame.api import Collection

PATH = "/v1/collections/{collection}/items/{id}/similar"


async def similar(call: Call) -> Response:
    """The first page, which is kept, or a later one."""
    fields = call.query(SimilarFields)
    question = question_of(call.params["id"], fields)
    if fields.cursor is not None:
        return await _later(call, question, fields.cursor)
    began = time.perf_counter()
    kept = await first_page(call, question)
    if not question.is_plain and not kept.about:
        kept.about = _remembered(call, await call.collection(), kept)
    took = round((time.perf_counter() - began) * 1_000, 3)
    return _reply(call, kept.parts, kept.position, took, kept.named)


async def first_page(call: Call, question: Question) -> Kept:
    """The answer; it is kept, where that can be, for the next who asks.

    Raises:
        CollectionNotFound, ItemNotFound, UnknownLens: there is none.
    """
    name, answers = call.params["collection"], call.service.answers
    collection = await call.collection()
    ticket = answers.ticket(name)
    if ticket is None:
        return await call.service.threads.run(_found, name, collection, question)
    kept, lists, sketcher = await call.service.threads.run(
        _found_to_keep, name, collection, question, answers, ticket
    )
    if answers.offer(ticket, lists, sketcher):
        answers.keep(_key(call), kept, ticket.followed)
    if kept.vector is not None:  # no table has it: it was searched for
        call.service.learning.asked(name, collection, question.lens, kept.vector)
    return kept


def _found(name: str, collection: Collection, question: Question) -> Kept:
    with collection.store.pin() as view:
        return Kept(question, find(view, name, question), 0, None)


def _found_to_keep(
    name: str, collection: Collection, question: Question, answers: Answers, ticket: Ticket
) -> tuple[Kept, Lists, Sketcher]:
    with collection.store.pin() as view:
        found = find(view, name, question)
        sketcher = answers.sketcher(ticket, view, found.lens)
        kept = Kept(question, found, ticket.epoch, fitting(sketcher, found))
        return kept, lists_of(view, found.lens), sketcher


async def _later(call: Call, question: Question, text: str) -> Response:
    cursor = cursor_of(text, question)
    collection = await call.collection()
    began = time.perf_counter()
    page, position, about = await call.service.threads.run(
        _page, call.params["collection"], collection, question, cursor
    )
    if not question.is_plain:
        about = ""
    took = round((time.perf_counter() - began) * 1_000, 3)
    return _reply(call, page, position, took, lambda query_id: query_id + about)


def _page(
    name: str, collection: Collection, question: Question, cursor: Cursor
) -> tuple[Parts, int, str]:
    with collection.store.pin() as view:
        answer, places, spec = next_page(view, question, cursor)
        told = [answer.neighbors[place] for place in places]
        page, generation = told[: question.limit], view.generation
        key = view.keys([question.id])[question.id]
    is_whole = len(page) == question.limit
    facts = Facts(
        generation,
        answer.lens,
        answer.exact,
        is_whole,
        None if is_whole else _reason(len(page), answer.reason),
        moved=answer.position != cursor.position,
    )
    ending = None
    seen = cursor.seen + len(page)
    if len(told) > len(page) and seen < MAX_LIMIT:
        last = page[-1]
        ending = Cursor(answer.position, seen, last.distance, last.id).ending(question)
    about = f"{about_item(key, spec.fingerprint)}{answer.position:x}"
    return parts(facts, spec, shown_of(name, page), ending), answer.position, about


def _reason(count: int, reason: str | None) -> str:
    return f"only {count} more come after the cursor" + (f": {reason}" if reason else "")


def _remembered(call: Call, collection: Collection, kept: Kept) -> str:
    """Remember once what an id can't say; what ids say of it from then on."""
    query_id, name = call.service.query_ids.next(), call.params["collection"]
    call.service.remembering.put(name, collection, query_id, kept.asked())
    return about_remembered(query_id)


def _reply(
    call: Call, told: Parts, position: int, took_ms: float, named: Callable[[str], str]
) -> Response:
    etag, control = told.etag.decode(), CACHE_CONTROL.decode()
    headers = {"ETag": etag, "Cache-Control": control}
    asked = call.request.headers.get("if-none-match")
    if asked is not None and is_named(told.etag, asked.encode("latin-1")):
        return Response(status_code=304, headers=headers)
    body = told.body(named(call.service.query_ids.next()), took_ms, position)
    return Response(body, 200, headers, media_type="application/json")


def _key(call: Call) -> tuple[bytes, bytes]:
    scope = call.request.scope
    return scope.get("raw_path", b""), scope["query_string"]


ROUTES = (
    Route(
        "GET",
        PATH,
        similar,
        Role.READ,
        "Find what looks like an item",
        AnswerReply,
        query=SimilarFields,
        headers=("If-None-Match",),
        others={304: None},
        errors=(
            CollectionNotFound,
            ItemNotFound,
            UnknownLens,
            InvalidId,
            InvalidFilter,
            InvalidBody,
        ),
        tag="queries",
    ),
)
