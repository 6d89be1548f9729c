"""Requests about what was measured of the answers. The first argument is the collection's name."""

from __future__ import annotations

from mitame.client.request import Request, collection_path, reader
from mitame.client.service import begun
from mitame.wire.evaluations import EvaluationKind, EvaluationList


def evaluate(
    collection: str, *, lens: str | None = None, k: int = 10, sample: int = 1_000
) -> Request[str]:
    """Begin to measure how often an item's neighbours have its category; the id of the job.

    Args:
        lens: which; each in turn that has vectors when None.
        k: how many neighbours each item is asked for, 1 to 1,000.
        sample: ask at most so many items, the same ones each time; 1 to 100,000.

    Raises:
        NoCategories: the items have fewer than two categories.
        UnknownLens: there is no such lens.
    """
    return begun(collection, "/evaluations", {"lens": lens, "k": k, "sample": sample})


def evaluations(
    collection: str,
    *,
    limit: int = 100,
    kind: EvaluationKind | None = None,
    lens: str | None = None,
    cursor: int | None = None,
) -> Request[EvaluationList]:
    """What was measured of the answers over time, the newest first.

    Args:
        limit: at most so many, 1 to 1,000.
        kind: ``categories`` as `evaluate` measures, or ``recall`` of the indexes as merges do.
        lens: only of this one.
        cursor: of an earlier answer: go on there.
    """
    fields = {"kind": kind, "lens": lens, "limit": limit, "cursor": cursor}
    path = collection_path(collection, "/evaluations")
    return Request("GET", path, reader(EvaluationList), query=fields)
