"""What users did with answers: told, and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from mitame.collection.item import check_id
from mitame.errors import CollectionNotFound, InvalidId
from mitame.feedback import AskedQuestion, Event
from mitame.feedback.events import microseconds
from mitame.serving.callers.roles import Role
from mitame.serving.product.query_ids import item_of, remembered_as
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.feedback import (
    EventBody,
    FeedbackBody,
    FeedbackFields,
    FeedbackStored,
)

if TYPE_CHECKING:
    from mitame.api import Collection

LINES = "application/x-ndjson"
NEXT = "Mitame-Next"
"""Where an export goes on: the value of ``after``; left out at the end."""
_PATH = "/v1/collections/{collection}/feedback"
_encode = msgspec.json.Encoder().encode_lines


async def told(call: Call) -> Response:
    """Store events, durably, each once."""
    collection = await call.collection()
    body = await call.body(FeedbackBody)
    return reply(await call.service.threads.run(_stored, call, collection, body))


def _stored(call: Call, collection: Collection, body: FeedbackBody) -> FeedbackStored:
    name, memory = call.params["collection"], call.service.remembering
    events = [_event(each) for each in body.events]
    store, asked_as = call.stores(collection).feedback, remembered_as(body.query_id)
    question = _of_id(collection, body.query_id) or memory.find(name, collection, asked_as)
    if question is None and body.item is not None:
        question = AskedQuestion("id", None, ids=[check_id(body.item)])
    added = store.add(body.query_id, events, question)
    if question is None:
        # Whoever remembers it now has looked for events about it before these came.
        question = memory.find(name, collection, asked_as)
        if question is not None:
            store.bind([(asked_as, question)])
    return FeedbackStored(stored=added, known=len(events) - added, question=question is not None)


def _of_id(collection: Collection, query_id: str) -> AskedQuestion | None:
    """What an id says was asked; None where it does not, or there is no such item any more."""
    about = item_of(query_id)
    if about is None:
        return None
    with collection.store.pin() as view:
        rows = view.select("SELECT id FROM items WHERE key = ?", about.key)
        prints = {name: lens.spec.fingerprint for name, lens in view.lenses.items()}
    if not rows:
        return None
    found = (each for each in prints.items() if each[1].startswith(about.fingerprint))
    lens, fingerprint = next(found, (None, None))
    return AskedQuestion("id", lens, fingerprint, about.position, [rows[0][0]])


def _event(body: EventBody) -> Event:
    at = None if body.at is None else microseconds(body.at)
    return Event(body.type, check_id(body.id), body.rank, body.value, at, body.event_id)


async def exported(call: Call) -> Response:
    """Events as JSON lines, a page of them."""
    collection, fields = await call.collection(), call.query(FeedbackFields)
    return await call.service.threads.run(_page, call, collection, fields)


def _page(call: Call, collection: Collection, fields: FeedbackFields) -> Response:
    store = call.stores(collection).feedback
    events = store.events(fields.after, fields.limit, vectors=fields.with_vectors)
    lines = [each.to_json(vectors=fields.with_vectors) for each in events]
    headers = {NEXT: str(events[-1].sequence)} if len(events) == fields.limit else {}
    return Response(_encode(lines), headers=headers, media_type=LINES)


ROUTES = (
    Route(
        "POST",
        _PATH,
        told,
        Role.WRITE,
        "Tell what was shown, clicked, bought or judged",
        FeedbackStored,
        FeedbackBody,
        errors=(CollectionNotFound, InvalidId),
        tag="feedback",
    ),
    Route(
        "GET",
        _PATH,
        exported,
        Role.ADMIN,
        "Export feedback as JSON lines",
        bytes,
        query=FeedbackFields,
        produces=(LINES,),
        errors=(CollectionNotFound,),
        tag="feedback",
    ),
)
