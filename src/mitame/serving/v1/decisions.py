"""What people decide about near-copies: made, listed, withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from mitame.collection import check_id
from mitame.errors import (
    CollectionNotFound,
    DecisionNotFound,
    InvalidId,
    ItemNotFound,
    PreconditionFailed,
    UsageError,
)
from mitame.feedback.events import time_text
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.preconditions import conditions_of, etag
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.base import PageFields
from mitame.wire.duplicates import DecisionBody, DecisionList, DecisionReply

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.feedback import Decision, DecisionStore

_PATH = "/v1/collections/{collection}/duplicates"


async def decided(call: Call) -> Response:
    """Decide about a group, or decide otherwise."""
    collection, body = await call.collection(), await call.body(DecisionBody)
    return await call.service.threads.run(_decided, call, collection, body)


def _decided(call: Call, collection: Collection, body: DecisionBody) -> Response:
    wanted = conditions_of(call.request)
    with collection.store.pin() as view:
        known = view.keys([check_id(item) for item in body.ids])
    for item in body.ids:
        if item not in known:
            raise ItemNotFound(f"no item {item[:200]!r}")
    found = _store(call, collection).decide(
        body.ids, body.value, one_of=wanted.one_of, none_of=wanted.none_of
    )
    return _one(found)


async def listed(call: Call) -> Response:
    """Decisions, a page of them."""
    collection, fields = await call.collection(), call.query(PageFields)
    return await call.service.threads.run(_page, call, collection, fields)


def _page(call: Call, collection: Collection, fields: PageFields) -> Response:
    found = _store(call, collection).decisions(fields.after, fields.limit)
    after = found[-1].sequence if len(found) == fields.limit else None
    return reply(DecisionList(decisions=[_told(each) for each in found], after=after))


async def described(call: Call) -> Response:
    """One decision."""
    collection = await call.collection()
    return await call.service.threads.run(
        lambda: _one(_store(call, collection).get(call.params["decision"]))
    )


async def withdrawn(call: Call) -> Response:
    """Forget a decision."""
    collection, wanted = await call.collection(), conditions_of(call.request)
    await call.service.threads.run(
        lambda: _store(call, collection).withdraw(call.params["decision"], one_of=wanted.one_of)
    )
    return Response(status_code=204)


def _store(call: Call, collection: Collection) -> DecisionStore:
    return call.stores(collection).decisions


def _one(found: Decision) -> Response:
    return reply(_told(found), headers={"ETag": etag(found.tag)})


def _told(found: Decision) -> DecisionReply:
    return DecisionReply(
        id=found.id,
        value=found.value,
        ids=list(found.ids),
        at=time_text(found.at),
        sequence=found.sequence,
    )


ROUTES = (
    Route(
        "POST",
        f"{_PATH}:decide",
        decided,
        Role.WRITE,
        "Decide whether near-copies show the same",
        DecisionReply,
        DecisionBody,
        headers=("If-Match", "If-None-Match"),
        errors=(CollectionNotFound, InvalidId, ItemNotFound, PreconditionFailed, UsageError),
        tag="queries",
    ),
    Route(
        "GET",
        f"{_PATH}/decisions",
        listed,
        Role.READ,
        "What was decided about near-copies",
        DecisionList,
        query=PageFields,
        errors=(CollectionNotFound,),
        tag="queries",
    ),
    Route(
        "GET",
        f"{_PATH}/decisions/{{decision}}",
        described,
        Role.READ,
        "One decision about near-copies",
        DecisionReply,
        errors=(CollectionNotFound, DecisionNotFound),
        tag="queries",
    ),
    Route(
        "DELETE",
        f"{_PATH}/decisions/{{decision}}",
        withdrawn,
        Role.WRITE,
        "Withdraw a decision about near-copies",
        status=204,
        headers=("If-Match",),
        errors=(CollectionNotFound, DecisionNotFound, PreconditionFailed),
        tag="queries",
    ),
)
