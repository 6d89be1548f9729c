"""mruby_annoy's question: ``GET /nns?category_id=&product_id=&limit=``.

``category_id`` names a collection, as it named one of mruby_annoy's indexes; where there is none of
that name, it is a category of the usual collection (`ServeConfig.collection`), whose items alone
are answered; without it, all of the usual collection are. ``product_id`` is the item. The answer is
the JSON array of the neighbours' ids, nearest first; an item or a collection that is not there is
404 ``{"error":"not_found"}``. Answers from inside nginx (``deploy/nginx``) read it the same way.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response

from mitame.arguments import filter_in
from mitame.collection import check_id
from mitame.errors import CollectionNotFound, InvalidBody, InvalidId, ItemNotFound
from mitame.filters import Filter
from mitame.search import similar
from mitame.serving.callers.roles import Role
from mitame.serving.product.similar_body import CACHE_CONTROL
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.similar import NnsFields, NnsNotFound

_NOT_FOUND = b'{"error":"not_found"}'


async def nearest(call: Call) -> Response:
    """The ids, or not found."""
    fields = call.query(NnsFields)
    with suppress(CollectionNotFound, ItemNotFound, InvalidId):
        item_id = check_id(fields.product_id)
        ids = await call.service.threads.run(_ids, call, item_id, fields)
        return reply(ids, headers={"Cache-Control": CACHE_CONTROL.decode()})
    return Response(_NOT_FOUND, 404, media_type="application/json")


def _ids(call: Call, item_id: str, fields: NnsFields) -> list[str]:
    name, where = _asked(call, fields.category_id)
    call.caller.check(Role.READ, name)
    with call.service.collections.opened(name).store.pin() as view:
        found = similar(view, item_id, limit=fields.limit, where=where)
    return [each.id for each in found.neighbors]


def _asked(call: Call, category: str) -> tuple[str, Filter | None]:
    """The collection that is meant, and what its items must pass."""
    usual = call.service.config.collection
    if not category:
        return usual, None
    if call.caller.reaches(category):
        with suppress(CollectionNotFound):
            call.service.collections.opened(category)
            return category, None
    return usual, filter_in(category, None)


ROUTES = (
    Route(
        "GET",
        "/nns",
        nearest,
        Role.READ,
        "Find what looks like an item, in mruby_annoy's form",
        list[str],
        query=NnsFields,
        errors=(InvalidBody,),
        others={404: NnsNotFound},
        tag="compatible",
    ),
)
