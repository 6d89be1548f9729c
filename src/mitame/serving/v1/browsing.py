"""What a collection holds: facets, names of attributes, items at random, ids by their beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mitame import browsing
from mitame.arguments import filter_in
from mitame.errors import CollectionNotFound, InvalidFilter, UsageError
from mitame.filters import Filter, Range, from_json
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.item_info import listed
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.serving.v1.listing import filter_of
from mitame.wire.browsing import (
    AttributeInfo,
    AttributeList,
    DrawFields,
    Drawn,
    Facet,
    FacetRange,
    Facets,
    FacetsBody,
    FacetValue,
    Suggested,
    SuggestFields,
)

if TYPE_CHECKING:
    from mitame.api import Collection

_ALL = "/v1/collections/{collection}"


async def counted(call: Call) -> Response:
    """Items that pass, by value."""
    body = await call.body(FacetsBody)
    return await call.service.threads.run(_facets, await call.collection(), body)


async def named(call: Call) -> Response:
    """What filters can ask for."""
    return await call.service.threads.run(_attributes, call, await call.collection())


async def drawn(call: Call) -> Response:
    """Items at random."""
    fields = call.query(DrawFields)
    where = filter_in(fields.category, fields.filter)
    return await call.service.threads.run(_drawn, call, await call.collection(), fields, where)


async def suggested(call: Call) -> Response:
    """Ids that begin so."""
    fields = call.query(SuggestFields)
    return await call.service.threads.run(_suggested, await call.collection(), fields)


def _facets(collection: Collection, body: FacetsBody) -> Response:
    where = filter_of(body.filter)
    ranges = {key: [_range(key, each) for each in found] for key, found in body.ranges.items()}
    with collection.store.pin() as view:
        total, found = browsing.facets(view, body.keys, where, top=body.limit, ranges=ranges)
        return reply(Facets(count=total, facets=list(map(_facet, found)), position=view.position))


def _range(key: str, bounds: dict[Any, Any]) -> Range:
    """A range, read as a filter's is."""
    condition = from_json({"must": [{"key": key, "range": bounds}]}).must[0]
    assert isinstance(condition, Range)
    return condition


def _facet(found: browsing.Facet) -> Facet:
    return Facet(
        key=found.key,
        count=found.items,
        distinct=found.distinct,
        values=[FacetValue(value=value, count=count) for value, count in found.values],
        ranges=[FacetRange(range=dict(r.bounds), count=n) for r, n in found.ranges],  # type: ignore[arg-type]  # their names are the four
        lowest=found.lowest,
        highest=found.highest,
    )


def _attributes(call: Call, collection: Collection) -> Response:
    with collection.store.pin() as view:
        found = call.service.attribute_names.find(collection, view)
        told = [
            AttributeInfo(name=each.name, kinds=list(each.kinds), count=each.items)  # type: ignore[arg-type]  # kinds are among these
            for each in found
        ]
        return reply(AttributeList(attributes=told, position=view.position))


def _drawn(
    call: Call, collection: Collection, fields: DrawFields, where: Filter | None
) -> Response:
    name = call.params["collection"]
    with collection.store.pin() as view:
        seed, items = browsing.drawn_items(view, fields.limit, where, fields.seed)
        told = [listed(name, each) for each in items]
        return reply(Drawn(items=told, seed=seed, position=view.position))


def _suggested(collection: Collection, fields: SuggestFields) -> Response:
    with collection.store.pin() as view:
        return reply(Suggested(ids=browsing.suggested(view, fields.prefix, fields.limit)))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        _ALL + "/items:facets",
        counted,
        Role.READ,
        "Count items by the values that they have",
        Facets,
        FacetsBody,
        errors=(CollectionNotFound, InvalidFilter, UsageError),
        tag="items",
    ),
    Route(
        "GET",
        _ALL + "/attributes",
        named,
        Role.READ,
        "Names that a filter can ask for",
        AttributeList,
        errors=(CollectionNotFound,),
        tag="items",
    ),
    Route(
        "GET",
        _ALL + "/items:random",
        drawn,
        Role.READ,
        "Items at random",
        Drawn,
        query=DrawFields,
        errors=(CollectionNotFound, InvalidFilter),
        tag="items",
    ),
    Route(
        "GET",
        _ALL + "/items:suggest",
        suggested,
        Role.READ,
        "Ids that begin so",
        Suggested,
        query=SuggestFields,
        errors=(CollectionNotFound,),
        tag="items",
    ),
)
