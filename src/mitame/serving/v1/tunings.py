"""What was measured when engines were tuned: read from where the collection keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mitame.errors import CollectionNotFound
from mitame.serving.callers.roles import Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.jobs import TuningList

if TYPE_CHECKING:
    from starlette.responses import Response

    from mitame.api import Collection


async def listed(call: Call) -> Response:
    """The last report of each lens that was tuned."""
    return await call.service.threads.run(_listed, await call.collection())


def _listed(collection: Collection) -> Response:
    from mitame.choosing.report import read_report  # drawing is no worker's business

    found = (read_report(collection.path, lens) for lens in collection.lenses)
    return reply(TuningList(reports=[each for each in found if each is not None]))


ROUTES = (
    Route(
        "GET",
        "/v1/collections/{collection}/tuning",
        listed,
        Role.READ,
        "What tuning has measured",
        TuningList,
        errors=(CollectionNotFound,),
        tag="jobs",
    ),
)
