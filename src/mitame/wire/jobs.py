"""Bodies about long work."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from mitame.wire.base import Body, Reply


class JobStarted(Reply):
    """Long work was queued.

    Attributes:
        job: its id, for ``GET /v1/jobs/{job}``.
    """

    job: str


class JobError(Reply):
    """Why a job failed, or what was wrong in its last round.

    Attributes:
        code: stable, for programs.
        detail: what is wrong, and what to do about it.
        remedy: the second half of the detail alone.
    """

    code: str
    detail: str
    remedy: str = ""


class JobInfo(Reply):
    """A piece of long work. Times are seconds since 1970.

    Attributes:
        id: its name.
        kind: what is done.
        collection: to which.
        state: where it is.
        done: work done, in units of its own: bytes of a merge, pictures of an index.
        total: work to do; null until it is known.
        progress: share that is done, 0 to 1; null while the total is unknown.
        eta_seconds: that are left at the speed so far; null where that can't be told.
        message: one line for people.
        result: of one that is done.
        error: of one that failed.
        cancelled: somebody has asked it to stop.
    """

    id: str
    kind: Literal["merge", "index", "tune", "evaluate", "follow"]
    collection: str | None
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: float
    total: float | None
    progress: float | None
    eta_seconds: float | None
    message: str | None
    result: dict[str, Any] | None
    error: JobError | None
    cancelled: bool
    created: float
    started: float | None
    updated: float
    ended: float | None


class JobList(Reply):
    """Jobs, the newest first.

    Attributes:
        jobs: at most as many as were asked for.
        cursor: asks for older ones; null where there are none.
    """

    jobs: list[JobInfo]
    cursor: str | None


class JobFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which jobs are asked for.

    Attributes:
        collection: only of this one.
        kind: only of this kind.
        state: only in this state.
        limit: at most so many.
        cursor: of an earlier answer: go on there.
    """

    collection: str | None = None
    kind: Literal["merge", "index", "tune", "evaluate", "follow"] | None = None
    state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: str | None = None


class MergeBody(Body):
    """How to merge; an empty body merges as usual.

    Attributes:
        keep: generations to keep, the new one counted.
        neighbors: per item in the neighbour table from now on; 0 for no table; as before where
            left out.
        half: keep vectors as float16.
        rebuild: also when nothing has changed: make indexes and tables anew.
    """

    keep: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 2
    neighbors: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    half: bool = False
    rebuild: bool = False


class IndexBody(Body):
    """What to index.

    Attributes:
        targets: folders, archives, manifests, lists of URLs or pictures on the server, or URLs.
        category_from_folder: an image's folder is its item's category.
        prefix: put before every id.
        prune: remove items whose file vanished from its target.
    """

    targets: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]
    category_from_folder: bool = False
    prefix: Annotated[str, msgspec.Meta(max_length=500)] = ""
    prune: bool = False


class TuningList(Reply):
    """What tuning has measured.

    Attributes:
        reports: the last one of each lens that was tuned: ``lens``, ``rows``, ``questions``,
            ``seconds``, the ``wish``, the ``choice``, how it did (``measured``), and all
            ``trials`` with their points of effort, recall and seconds.
    """

    reports: list[dict[str, Any]]


class TuneBody(Body):
    """What to measure, and what is wished for.

    Attributes:
        lens: one of them; each in turn where left out.
        recall: share of the true nearest that an answer must have.
        k: how many nearest.
        memory: at most so many bytes beside the vectors.
        latency: 99 of 100 answers take at most so many seconds.
        engines: only these; all that are installed where left out.
        budget: seconds to measure; 20 to 120, by size, where left out.
        apply: build and serve the index at once, by a merge.
    """

    lens: str | None = None
    recall: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95
    k: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    memory: Annotated[int, msgspec.Meta(gt=0)] | None = None
    latency: Annotated[float, msgspec.Meta(gt=0)] | None = None
    engines: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)] | None = None
    budget: Annotated[float, msgspec.Meta(gt=0, le=3_600)] | None = None
    apply: bool = False
