"""Bodies about what was measured of a collection's answers, over time."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from mitame.wire.base import Body, Reply

EvaluationKind: TypeAlias = Literal["categories", "recall"]


class EvaluateBody(Body):
    """What to measure; an empty body measures each lens as usual.

    Attributes:
        lens: one of them; each in turn that has vectors where left out.
        k: how many neighbours each item is asked for.
        sample: at most so many items are asked, the same ones each time.
    """

    lens: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    k: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    sample: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000


class EvaluationReply(Reply):
    """What was measured in one lens at one moment.

    Attributes:
        sequence: its number; later ones have greater ones.
        at: when; RFC 3339.
        kind: ``categories``: do an item's neighbours have its category? ``recall``: which share of
            the true nearest does the index of a new generation find? More may come.
        lens: its name then.
        fingerprint: of the lens's spec at that time.
        engine: that answers searches in it; ``exact`` where every vector is looked at.
        position: of the journal.
        generation: of the snapshot that answered; 0 for none.
        queries: how many items, or vectors, were asked.
        k: for how many neighbours each.
        measures: values by name, 0 to 1. ``share`` of the neighbours with the item's own category,
            ``first`` and ``found`` of the items whose nearest, or any, neighbour has it, and what
            ``chance`` would give; or ``recall``.
    """

    sequence: int
    at: str
    kind: str
    lens: str
    fingerprint: str
    engine: str
    position: int
    generation: int
    queries: int
    k: int
    measures: dict[str, float]


class EvaluationList(Reply):
    """What was measured, the newest first.

    Attributes:
        evaluations: of this page.
        cursor: asks for older ones; null where there are none.
    """

    evaluations: list[EvaluationReply]
    cursor: int | None


class EvaluationFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which evaluations are asked for.

    Attributes:
        kind: only of this kind.
        lens: only of this lens, by its name when it was measured.
        limit: at most so many.
        cursor: of an earlier answer: go on there.
    """

    kind: EvaluationKind | None = None
    lens: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
