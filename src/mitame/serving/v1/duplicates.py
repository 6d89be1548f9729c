"""Groups of near-copies, a page at a time."""

from __future__ import annotations

import base64
import binascii
import bisect
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response

from mitame.arguments import check_threshold, lens_of
from mitame.errors import (
    CollectionNotFound,
    InvalidBody,
    InvalidFilter,
    NotMerged,
    UnknownLens,
)
from mitame.feedback import Decided
from mitame.filters import Filter, from_json, parse
from mitame.serving.callers.roles import Role
from mitame.serving.near_copies import Sought
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.duplicates import MAX_IDS, DuplicatesBody, DuplicatesReply, Group, GroupDecision

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.feedback import DecisionStore


async def found(call: Call) -> Response:
    """Groups of near-copies above a score."""
    collection, body = await call.collection(), await call.body(DuplicatesBody)
    return await call.service.threads.run(_found, call, collection, body)


def _found(call: Call, collection: Collection, body: DuplicatesBody) -> Response:
    started = time.monotonic()
    where, after = _filter(body.filter), _after(body.cursor)
    until = started + call.service.config.limits.answer_seconds * 0.8
    with collection.store.pin() as view:
        lens = lens_of(view.lenses, body.lens)
        at = lens.spec.same_at if body.score is None else check_threshold(body.score)
        assert at is not None
        sought = Sought(collection, lens.name, at, where)
        groups = call.service.duplicates.find(view, sought, until)
        decided = _decisions(call, collection).decided()
        wanted = _wanted(groups.groups, decided, body.decided)
        first = bisect.bisect_right(wanted, after, key=lambda group: group[0])
        page = wanted[first : first + body.limit]
        is_last = first + len(page) == len(wanted)
        answer = DuplicatesReply(
            groups=[_group(each, decided) for each in page],
            total=len(wanted),
            cursor=None if is_last else _cursor(page[-1][0]),
            exact=groups.exact,
            score=at,
            lens=lens.name,
            position=groups.position,
            generation=view.generation,
            took_ms=round((time.monotonic() - started) * 1_000, 3),
        )
    return reply(answer)


def _decisions(call: Call, collection: Collection) -> DecisionStore:
    return call.stores(collection).decisions


def _wanted(
    groups: Sequence[tuple[str, ...]], decided: Decided, only: bool | None
) -> Sequence[tuple[str, ...]]:
    if only is None:
        return groups
    return [each for each in groups if (decided.of(each) is not None) == only]


def _group(ids: tuple[str, ...], decided: Decided) -> Group:
    found = decided.of(ids)
    about = None if found is None else GroupDecision(id=found.id, value=found.value)
    return Group(ids=list(ids[:MAX_IDS]), size=len(ids), decision=about)


def _filter(value: object) -> Filter | None:
    if value is None:
        return None
    return parse(value) if isinstance(value, str) else from_json(value)


def _cursor(item_id: str) -> str:
    return base64.urlsafe_b64encode(item_id.encode()).decode()


def _after(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor.encode(), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidBody("the cursor is none", remedy="send one that an answer has") from None


ROUTES = (
    Route(
        "POST",
        "/v1/collections/{collection}/duplicates",
        found,
        Role.READ,
        "Groups of near-copies",
        DuplicatesReply,
        DuplicatesBody,
        errors=(CollectionNotFound, UnknownLens, InvalidFilter, NotMerged),
        tag="queries",
    ),
)
