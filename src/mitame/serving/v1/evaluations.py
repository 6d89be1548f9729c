"""What was measured of the answers: listed over time, and measured anew as a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mitame.arguments import lens_of
from mitame.errors import CollectionNotFound, NoCategories, Overloaded, UnknownLens
from mitame.serving.callers.roles import Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.serving.v1.jobs import body_or_usual, started
from mitame.wire.evaluations import (
    EvaluateBody,
    EvaluationFields,
    EvaluationList,
    EvaluationReply,
)
from mitame.wire.jobs import JobStarted

if TYPE_CHECKING:
    from starlette.responses import Response

    from mitame.api import Collection

_PATH = "/v1/collections/{collection}/evaluations"


async def begun(call: Call) -> Response:
    """Measure, as a job; refused at once where there is nothing to measure by."""
    collection, body = await call.collection(), await body_or_usual(call, EvaluateBody)
    await call.service.threads.run(_check, collection, body)
    return await started(call, "evaluate", body)


def _check(collection: Collection, body: EvaluateBody) -> None:
    from mitame.evaluation.categories import check_categories

    with collection.store.pin() as view:
        if body.lens is not None:
            lens_of(view.lenses, body.lens)
        check_categories(view)


async def listed(call: Call) -> Response:
    """What was measured, a page of it, the newest first."""
    collection, fields = await call.collection(), call.query(EvaluationFields)
    return await call.service.threads.run(_page, call, collection, fields)


def _page(call: Call, collection: Collection, fields: EvaluationFields) -> Response:
    from mitame.evaluation.evaluating import to_json

    store = call.stores(collection).evaluations
    found = store.evaluations(fields.cursor, fields.limit + 1, kind=fields.kind, lens=fields.lens)
    page = found[: fields.limit]
    cursor = page[-1].sequence if len(found) > len(page) else None
    told = [EvaluationReply(**to_json(each)) for each in page]
    return reply(EvaluationList(evaluations=told, cursor=cursor))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        _PATH,
        begun,
        Role.ADMIN,
        "Measure answers by category, as a job",
        JobStarted,
        EvaluateBody,
        status=202,
        needs_body=False,
        errors=(CollectionNotFound, NoCategories, UnknownLens, Overloaded),
        tag="jobs",
    ),
    Route(
        "GET",
        _PATH,
        listed,
        Role.READ,
        "What was measured of the answers, over time",
        EvaluationList,
        query=EvaluationFields,
        errors=(CollectionNotFound,),
        tag="jobs",
    ),
)
