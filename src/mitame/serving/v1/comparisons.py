"""Votes on two answers to the same question: kept, listed, added up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mitame.arguments import lens_of
from mitame.errors import CollectionNotFound, InvalidId, ItemNotFound, UnknownLens, UsageError
from mitame.feedback import Comparison, Side
from mitame.feedback.events import time_text
from mitame.serving.callers.roles import Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.base import PageFields
from mitame.wire.comparisons import (
    ComparisonBody,
    ComparisonList,
    ComparisonReply,
    ComparisonTotal,
    SideBody,
    SideReply,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from mitame.api import Collection
    from mitame.collection import View
    from mitame.feedback import ComparisonStore

_PATH = "/v1/collections/{collection}/comparisons"


async def voted(call: Call) -> Response:
    """Keep a vote."""
    collection, body = await call.collection(), await call.body(ComparisonBody)
    return await call.service.threads.run(_voted, call, collection, body)


def _voted(call: Call, collection: Collection, body: ComparisonBody) -> Response:
    with collection.store.pin() as view:
        if view.tag(body.item) is None:
            raise ItemNotFound(f"no item {body.item[:200]!r}")
        left, right = _side(view, body.left), _side(view, body.right)
    return reply(_told(_store(call, collection).add(body.item, left, right, body.better)), 201)


def _side(view: View, body: SideBody) -> Side:
    lens = lens_of(view.lenses, body.lens)
    ids, print_ = tuple(body.ids), lens.spec.fingerprint
    return Side(lens.name, print_, body.exact, body.generation, ids, body.delta)


async def listed(call: Call) -> Response:
    """Votes, a page of them."""
    collection, fields = await call.collection(), call.query(PageFields)
    return await call.service.threads.run(_page, call, collection, fields)


def _page(call: Call, collection: Collection, fields: PageFields) -> Response:
    store = _store(call, collection)
    found = store.comparisons(fields.after, fields.limit)
    after = found[-1].sequence if len(found) == fields.limit else None
    totals = [ComparisonTotal(sides=list(pair), **votes) for pair, votes in store.totals().items()]
    return reply(ComparisonList(comparisons=[*map(_told, found)], totals=totals, after=after))


def _store(call: Call, collection: Collection) -> ComparisonStore:
    return call.stores(collection).comparisons


def _told(found: Comparison) -> ComparisonReply:
    left, right = (_shown(each) for each in (found.left, found.right))
    return ComparisonReply(
        sequence=found.sequence,
        item=found.item,
        left=left,
        right=right,
        better=found.better,
        at=time_text(found.at),
    )


def _shown(side: Side) -> SideReply:
    return SideReply(**{**asdict(side), "ids": list(side.ids)})


ROUTES = (
    Route(
        "POST",
        _PATH,
        voted,
        Role.WRITE,
        "Tell which of two answers is better",
        ComparisonReply,
        ComparisonBody,
        status=201,
        errors=(CollectionNotFound, InvalidId, ItemNotFound, UnknownLens, UsageError),
        tag="feedback",
    ),
    Route(
        "GET",
        _PATH,
        listed,
        Role.READ,
        "Votes on two answers, and their totals",
        ComparisonList,
        query=PageFields,
        errors=(CollectionNotFound,),
        tag="feedback",
    ),
)
