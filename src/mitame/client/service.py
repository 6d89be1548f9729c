"""Requests about collections as a whole, jobs, and the service itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from mitame.client.request import Reply, Request, collection_path, given, nothing, place, reader
from mitame.wire.bad_files import BadFileList
from mitame.wire.collections import CollectionInfo, CollectionList
from mitame.wire.generations import Generation, GenerationList
from mitame.wire.health import Health, Version
from mitame.wire.jobs import JobInfo, JobList, JobStarted, TuningList

Kind: TypeAlias = Literal["merge", "index", "tune", "evaluate", "follow"]
State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
LOOK_SECONDS = 0.5
"""From one look at a job that is waited for to the next."""


def collections() -> Request[list[str]]:
    """The names of the collections that the key reaches."""
    read = reader(CollectionList)
    return Request("GET", "/v1/collections", lambda reply: read(reply).collections)


def create(
    name: str,
    *,
    lenses: Mapping[str, str] | None = None,
    dim: int | None = None,
    distance: str = "cosine",
) -> Request[CollectionInfo]:
    """Make a collection.

    Args:
        name: 1 to 100 letters, digits, dots, dashes and underscores.
        lenses: names to embedders; the usual ones when None.
        dim: of vectors of your own, for one lens called ``vectors``; instead of lenses.
        distance: of that lens: cosine, euclidean or inner_product.

    Raises:
        CollectionExists: there is one of this name.
    """
    body = given({"lenses": lenses, "dim": dim, "distance": distance})
    return Request("PUT", collection_path(name), reader(CollectionInfo), body=body, again=False)


def describe(name: str) -> Request[CollectionInfo]:
    """What is in the collection: items, lenses, bytes, generation."""
    return Request("GET", collection_path(name), reader(CollectionInfo))


def drop(name: str) -> Request[None]:
    """Drop a collection with all its items.

    Raises:
        CollectionNotFound: there is none of this name.
    """
    return Request("DELETE", collection_path(name), nothing, again=False)


def generations(name: str) -> Request[GenerationList]:
    """The snapshots that can be served."""
    return Request("GET", collection_path(name, "/generations"), reader(GenerationList))


def activate(name: str, generation: int) -> Request[Generation]:
    """Switch to a snapshot, or roll back; no item changes.

    Raises:
        GenerationNotFound: there is none of this number.
    """
    path = collection_path(name, f"/generations/{place(str(generation))}:activate")
    return Request("POST", path, reader(Generation))


def merge(
    name: str,
    *,
    keep: int = 2,
    neighbors: int | None = None,
    half: bool = False,
    rebuild: bool = False,
) -> Request[str]:
    """Begin to apply what has changed; the id of the job.

    Args:
        keep: generations to keep, the new one counted.
        neighbors: per item in the neighbour table from now on; 0 for none.
        half: keep vectors as float16.
        rebuild: also when nothing has changed.
    """
    body = {"keep": keep, "neighbors": neighbors, "half": half, "rebuild": rebuild}
    return begun(name, "/merge", body)


def bad_files(
    name: str, *, after: str | None = None, limit: int = 100, code: str | None = None
) -> Request[BadFileList]:
    """Files that could not be indexed, by location, as the last look at each source found them.

    Args:
        after: begin past this location.
        limit: files at most, 1 to 1,000.
        code: only with this error's code.
    """
    fields = {"after": after, "limit": limit, "code": code}
    path = collection_path(name, "/bad-files")
    return Request("GET", path, reader(BadFileList), query=fields)


def index(
    name: str,
    *targets: str,
    category_from_folder: bool = False,
    prefix: str = "",
    prune: bool = False,
) -> Request[str]:
    """Begin to index folders, archives or manifests of the server, or URLs; the id of the job.

    Args:
        targets: as the server sees them.
        category_from_folder: an image's folder is its item's category.
        prefix: put before every id.
        prune: remove items whose file vanished from its target.
    """
    body = {
        "targets": list(targets),
        "category_from_folder": category_from_folder,
        "prefix": prefix,
        "prune": prune,
    }
    return begun(name, "/index", body)


def tune(
    name: str,
    *,
    recall: float = 0.95,
    k: int = 10,
    memory: int | None = None,
    latency: float | None = None,
    lens: str | None = None,
    engines: Iterable[str] | None = None,
    budget: float | None = None,
    apply: bool = False,
) -> Request[str]:
    """Begin to measure engines on the collection's own vectors; the id of the job.

    Args:
        recall: share of the true k nearest that answers must have.
        k: how many neighbours, 1 to 1,000.
        memory: at most so many bytes beside the vectors.
        latency: 99 of 100 queries take at most so many seconds.
        lens: which; each in turn when None.
        engines: only these; all that are installed when None.
        budget: seconds to spend; 20 to 120, by size, when None.
        apply: build and serve the index at once.
    """
    body = {
        "recall": recall,
        "k": k,
        "memory": memory,
        "latency": latency,
        "lens": lens,
        "engines": None if engines is None else list(engines),
        "budget": budget,
        "apply": apply,
    }
    return begun(name, "/tune", body)


def tunings(name: str) -> Request[TuningList]:
    """What tuning has measured: the last report of each lens that was tuned."""
    return Request("GET", collection_path(name, "/tuning"), reader(TuningList))


def jobs(
    *,
    collection: str | None = None,
    kind: Kind | None = None,
    state: State | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Request[JobList]:
    """Jobs, the newest first.

    Args:
        collection, kind, state: only those.
        limit: at most so many, 1 to 1,000.
        cursor: of an earlier answer: go on there.
    """
    fields = {
        "collection": collection,
        "kind": kind,
        "state": state,
        "limit": limit,
        "cursor": cursor,
    }
    return Request("GET", "/v1/jobs", reader(JobList), query=fields)


def job(job_id: str) -> Request[JobInfo]:
    """How far a job is.

    Raises:
        JobNotFound: there is none, or it ended more than a week ago.
    """
    return Request("GET", f"/v1/jobs/{place(job_id)}", reader(JobInfo))


def cancel(job_id: str) -> Request[JobInfo]:
    """Stop a job; what it has done until then stays."""
    return Request("DELETE", f"/v1/jobs/{place(job_id)}", reader(JobInfo))


def health() -> Request[Health]:
    """The process lives."""
    return Request("GET", "/healthz", reader(Health))


def ready() -> Request[Health]:
    """It can answer; tried again for a while when it can't.

    Raises:
        ServiceError: it still can't.
    """
    return Request("GET", "/readyz", reader(Health))


def metrics() -> Request[str]:
    """Numbers for Prometheus."""
    return Request("GET", "/metrics", lambda reply: reply.body.decode())


def version() -> Request[str]:
    """Which version the server is."""
    read = reader(Version)
    return Request("GET", "/version", lambda reply: read(reply).version)


def openapi() -> Request[dict[str, Any]]:
    """The OpenAPI document of what the server serves."""
    return Request("GET", "/openapi.json", reader(dict[str, Any]))


def begun(name: str, rest: str, body: Mapping[str, Any]) -> Request[str]:
    """A job is begun; its id.

    Not sent again where nobody knows whether it has arrived: that would be another job.
    """

    def read(reply: Reply) -> str:
        return msgspec.json.decode(reply.body, type=JobStarted).job

    return Request("POST", collection_path(name, rest), read, body=given(body), again=False)
