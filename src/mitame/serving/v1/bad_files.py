"""Files that could not be indexed, with their reasons."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.responses import Response

from mitame.errors import CollectionNotFound
from mitame.ingest.bad_files import BadFiles
from mitame.serving.callers.roles import Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.bad_files import BadFileFields, BadFileInfo, BadFileList

if TYPE_CHECKING:
    from mitame.api import Collection


async def listed(call: Call) -> Response:
    """A page of them."""
    collection, fields = await call.collection(), call.query(BadFileFields)
    return reply(await call.service.threads.run(_page, collection, fields))


def _page(collection: Collection, fields: BadFileFields) -> BadFileList:
    with closing(BadFiles(collection.path)) as kept:
        found, total = kept.files(fields.after, fields.limit, fields.code)
    after = found[-1].location if len(found) == fields.limit else None
    return BadFileList(
        files=[BadFileInfo(**asdict(each)) for each in found], total=total, after=after
    )


ROUTES = (
    Route(
        "GET",
        "/v1/collections/{collection}/bad-files",
        listed,
        Role.ADMIN,  # they are named by their paths on the server
        "Files that could not be indexed",
        BadFileList,
        query=BadFileFields,
        errors=(CollectionNotFound,),
        tag="jobs",
    ),
)
