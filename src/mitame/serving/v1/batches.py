"""Many items at once, with a status for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from starlette.responses import Response

from mitame.api import Collection
from mitame.collection import Change, Lens, Put
from mitame.config import LimitsConfig
from mitame.errors import (
    BodyTooLarge,
    CollectionNotFound,
    KeyReused,
    MitameError,
    RequestInFlight,
    UnsupportedMedia,
)
from mitame.serving.bodies import check_media
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.batch_rows import NDJSON, Doing, Row, rows_of
from mitame.serving.pictures.idempotency import once
from mitame.serving.pictures.uploads import Upload, newest_lenses, put_of
from mitame.serving.replies import reply
from mitame.serving.routes import JSON, Call, Route
from mitame.wire.items import BatchResult, BatchRow, RowResult

Embedded: TypeAlias = Callable[[str, Upload], Awaitable[Put]]
_PER_WRITE = 1_000
"""Rows of one transaction: their vectors are held until it is done, and other writers wait."""
_AT_ONCE = 32
"""Rows whose pictures are under way at once."""


async def batch(call: Call, data: bytes) -> Response:
    """Do what each row says."""
    media = check_media(call.request, JSON, NDJSON)
    run, limits = call.service.threads.run, call.service.config.limits
    collection = await call.collection()
    rows = await run(rows_of, data, media, limits.batch_rows)
    results: list[RowResult] = []
    copies = call.stores(collection).copies
    for start in range(0, len(rows), _PER_WRITE):
        part = rows[start : start + _PER_WRITE]
        lenses = await run(newest_lenses, collection)
        doings = await run(_doings, lenses, part, limits)
        put = partial(put_of, call.service.embedding, lenses, copies=copies)
        ready = await _embedded(put, part, doings)
        results += await run(_written, collection, part, ready)
    failed = sum(result.status >= 400 for result in results)
    return await run(reply, BatchResult(rows=results, failed=failed))


def _doings(lenses: Mapping[str, Lens], rows: Sequence[Row], limits: LimitsConfig) -> list[Doing]:
    return [row.doing(lenses, limits) for row in rows]


async def _embedded(
    put: Embedded, rows: Sequence[Row], doings: Sequence[Doing]
) -> list[Change | MitameError]:
    """The rows' changes, with the pictures of many embedded at once."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def change(row: Row, doing: Doing) -> Change | MitameError:
        if not isinstance(doing, Upload):
            return doing
        assert row.id is not None
        async with room:
            try:
                return await put(row.id, doing)
            except MitameError as error:
                return error

    return await asyncio.gather(*map(change, rows, doings))


def _written(
    collection: Collection, rows: Sequence[Row], ready: Sequence[Change | MitameError]
) -> list[RowResult]:
    """Append what can be, in the rows' order, and say what became of each row."""
    groups = [[each] for each in ready if not isinstance(each, MitameError)]
    outcomes = iter(collection.store.append_each(groups))
    results = []
    for row, each in zip(rows, ready, strict=True):
        outcome = each if isinstance(each, MitameError) else next(outcomes)
        results.append(_result(row, outcome))
    return results


def _result(row: Row, outcome: int | MitameError) -> RowResult:
    if isinstance(outcome, MitameError):
        return RowResult(id=row.id, status=outcome.status, code=outcome.code, detail=outcome.line())
    is_delete = row.body is not None and row.body.op == "delete"
    return RowResult(id=row.id, status=204 if is_delete else 200)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/collections/{collection}/items:batch",
        once(batch, batch=True),
        Role.WRITE,
        "Add, change or remove many items, with a status for each",
        BatchResult,
        list[BatchRow],
        media=(JSON, NDJSON),
        headers=("Idempotency-Key",),
        errors=(CollectionNotFound, BodyTooLarge, KeyReused, RequestInFlight, UnsupportedMedia),
        tag="items",
    ),
)
