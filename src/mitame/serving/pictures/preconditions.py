"""Conditions on an item's state: ``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110, 13)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request

from mitame.collection import ANY, Expect
from mitame.errors import UsageError

_LONGEST = 8_192
_LIST = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


@dataclass(frozen=True)
class Conditions:
    """What a request expects of the item that it changes; fields as in `Expect`."""

    one_of: frozenset[str] | None = None
    none_of: frozenset[str] = frozenset()

    def expected(self, item_id: str) -> list[Expect]:
        """As changes to go before the request's own; none where nothing is expected."""
        if self.one_of is None and not self.none_of:
            return []
        return [Expect(item_id, self.one_of, self.none_of)]


def conditions_of(request: Request) -> Conditions:
    """What the headers ask for.

    Raises:
        UsageError: one that can't be read.
    """
    none_of = _tags(request, "if-none-match")
    return Conditions(_tags(request, "if-match"), none_of or frozenset())


def is_current(request: Request, tag: str) -> bool:
    """Whether ``If-None-Match`` says that the caller has the item as it is: answer 304 then.

    Raises:
        UsageError: it can't be read.
    """
    return bool({ANY, tag} & (_tags(request, "if-none-match") or frozenset()))


def etag(tag: str) -> str:
    """A tag as the header has it."""
    return f'"{tag}"'


def _tags(request: Request, header: str) -> frozenset[str] | None:
    """The tags of a header; None where there is none.

    A tag that a proxy has made weak, because it packed the answer, is as good: ours stand for the
    state of an item and not for the bytes of an answer.
    """
    values = request.headers.getlist(header)
    if not values:
        return None
    text = ", ".join(values).strip()
    if text == ANY:
        return frozenset({ANY})
    found, at = set(), 0
    while at < len(text) <= _LONGEST:
        match = _LIST.match(text, at)
        if match is None:
            break
        found.add(match[1])
        at = match.end()
    if not found or at < len(text):
        raise UsageError(
            f"{header} is no list of entity tags: {text[:80]!r}",
            remedy='send what ETag said, quotes included, or "*" without quotes',
        )
    return frozenset(found)
