"""Long work: begun, looked at, listed, stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from mitame.errors import CollectionNotFound, JobNotFound, Overloaded
from mitame.serving import bodies
from mitame.serving.callers.roles import Caller, Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.serving.work.jobs import Job, Jobs, Kind, no_job
from mitame.wire.jobs import (
    IndexBody,
    JobError,
    JobFields,
    JobInfo,
    JobList,
    JobStarted,
    MergeBody,
    TuneBody,
)

T = TypeVar("T", bound=msgspec.Struct)
_COLLECTION = "/v1/collections/{collection}"
_PAGE = 500
_OF_THE_SERVER = frozenset({"index", "follow"})
"""Kinds that name places on the server: for its administrators only."""


async def merge(call: Call) -> Response:
    """Apply what has changed now."""
    return await started(call, "merge", await body_or_usual(call, MergeBody))


async def index(call: Call) -> Response:
    """Bring the collection in line with folders of the server, or with URLs."""
    return await started(call, "index", await call.body(IndexBody))


async def tune(call: Call) -> Response:
    """Measure engines and choose one."""
    return await started(call, "tune", await body_or_usual(call, TuneBody))


async def shown(call: Call) -> Response:
    """How far a job is."""
    return reply(_info(await call.service.threads.run(_seen, call)))


async def cancelled(call: Call) -> Response:
    """Stop a job at its next step; what it has done until then stays."""
    return reply(_info(await call.service.threads.run(_cancel, call)))


async def listed(call: Call) -> Response:
    """Jobs of collections that the caller reaches, the newest first."""
    fields = call.query(JobFields)
    return reply(await call.service.threads.run(_page, call, fields))


async def started(call: Call, kind: Kind, body: msgspec.Struct) -> Response:
    """Queue a job on the collection that the path names, and tell where it can be followed."""
    await call.collection()
    arguments: Mapping[str, Any] = msgspec.to_builtins(body)
    name = call.params["collection"]
    job = await call.service.threads.run(call.service.jobs.add, kind, name, arguments)
    return reply(JobStarted(job=job.id), 202, {"Location": f"/v1/jobs/{job.id}"})


async def body_or_usual(call: Call, kind: type[T]) -> T:
    """The JSON body; all as usual where there is none."""
    data = await call.raw()
    if not data:
        return kind()
    bodies.check_media(call.request, "application/json")
    return bodies.decoded(data, kind)


def _seen(call: Call) -> Job:
    job = call.service.jobs.get(call.params["job"])
    if not is_seen(call.caller, job):
        raise no_job(job.id)
    return job


def is_seen(caller: Caller, job: Job) -> bool:
    """Whether a job is within a caller's scope."""
    if job.kind in _OF_THE_SERVER and caller.role < Role.ADMIN:
        return False
    if job.collection is None:
        return caller.collections is None
    return caller.reaches(job.collection)


def _cancel(call: Call) -> Job:
    job = _seen(call)
    call.caller.check(Role.WRITE if job.kind == "merge" else Role.ADMIN, job.collection)
    return call.service.jobs.cancel(job.id)


def _page(call: Call, fields: JobFields) -> JobList:
    jobs = call.service.jobs
    before = None if fields.cursor is None else jobs.get(fields.cursor)
    found: list[Job] = []
    for job in _all(jobs, before):
        if is_seen(call.caller, job) and _is_asked_for(job, fields):
            found.append(job)
        if len(found) > fields.limit:
            break
    kept = found[: fields.limit]
    more = len(found) > len(kept)
    return JobList(jobs=[_info(job) for job in kept], cursor=kept[-1].id if more else None)


def _all(jobs: Jobs, before: Job | None) -> Iterator[Job]:
    while page := jobs.newest(before=before, limit=_PAGE):
        yield from page
        before = page[-1]


def _is_asked_for(job: Job, fields: JobFields) -> bool:
    return (
        fields.collection in (None, job.collection)
        and fields.kind in (None, job.kind)
        and fields.state in (None, job.state)
    )


def _info(job: Job) -> JobInfo:
    share = min(1.0, job.done / job.total) if job.total else None
    return JobInfo(
        id=job.id,
        kind=job.kind,
        collection=job.collection,
        state=job.state,
        done=job.done,
        total=job.total,
        progress=1.0 if job.state == "done" else share,
        eta_seconds=job.eta_seconds,
        message=job.message,
        result=job.result,
        error=None if job.error is None else JobError(**job.error),
        cancelled=job.cancelled,
        created=job.created,
        started=job.started,
        updated=job.updated,
        ended=job.ended,
    )


def _begins(path: str, handler: Any, role: Role, summary: str, body: object) -> Route:
    return Route(
        "POST",
        _COLLECTION + path,
        handler,
        role,
        summary,
        JobStarted,
        body,
        status=202,
        needs_body=body is IndexBody,
        errors=(CollectionNotFound, Overloaded),
        tag="jobs",
    )


ROUTES: tuple[Route, ...] = (
    _begins("/merge", merge, Role.WRITE, "Apply what has changed, as a job", MergeBody),
    _begins("/index", index, Role.ADMIN, "Index folders of the server, as a job", IndexBody),
    _begins("/tune", tune, Role.ADMIN, "Choose engines by measuring, as a job", TuneBody),
    Route(
        "GET",
        "/v1/jobs",
        listed,
        Role.READ,
        "List jobs",
        JobList,
        query=JobFields,
        errors=(JobNotFound,),
        tag="jobs",
    ),
    Route(
        "GET",
        "/v1/jobs/{job}",
        shown,
        Role.READ,
        "How far a job is",
        JobInfo,
        errors=(JobNotFound,),
        tag="jobs",
    ),
    Route(
        "DELETE",
        "/v1/jobs/{job}",
        cancelled,
        Role.WRITE,
        "Stop a job",
        JobInfo,
        errors=(JobNotFound,),
        tag="jobs",
    ),
)
