"""Requests about what a collection holds. The first argument is the collection's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mitame.client.request import Request, collection_path, filter_json, given, reader
from mitame.filters import Filter
from mitame.wire.browsing import AttributeList, Drawn, Facets, Suggested


def facets(
    collection: str,
    keys: Sequence[str] = ("category",),
    where: str | Filter | None = None,
    *,
    limit: int = 10,
    ranges: Mapping[str, Sequence[Mapping[str, float | str]]] | None = None,
) -> Request[Facets]:
    """How many items have which values.

    Args:
        keys: names of attributes, or ``category``; 1 to 16.
        where: only items that pass.
        limit: values of each that are told, the most frequent ones; 0 to 1,000.
        ranges: by one of the keys, ranges such as ``{"gte": 0, "lt": 100}`` to count besides.
    """
    told = {key: [dict(each) for each in found] for key, found in (ranges or {}).items()}
    body = {"keys": list(keys), "filter": filter_json(where), "limit": limit, "ranges": told}
    path = collection_path(collection, "/items:facets")
    return Request("POST", path, reader(Facets), body=given(body))


def attributes(collection: str) -> Request[AttributeList]:
    """The names that filters can ask for, with the kinds of their values."""
    return Request("GET", collection_path(collection, "/attributes"), reader(AttributeList))


def random(
    collection: str, limit: int = 10, where: str | None = None, *, seed: int | None = None
) -> Request[Drawn]:
    """Items drawn at random, each once.

    Args:
        limit: at most so many, 1 to 1,000.
        where: only items that pass, as text.
        seed: of an earlier answer: the same items again, as long as none is added or removed.
    """
    fields = {"limit": limit, "filter": where, "seed": seed}
    path = collection_path(collection, "/items:random")
    return Request("GET", path, reader(Drawn), query=fields)


def suggest(collection: str, prefix: str, limit: int = 10) -> Request[Suggested]:
    """The first ids that begin with a text, sorted.

    Args:
        limit: at most so many, 1 to 1,000.
    """
    path = collection_path(collection, "/items:suggest")
    return Request("GET", path, reader(Suggested), query={"prefix": prefix, "limit": limit})
