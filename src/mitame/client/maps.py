"""Requests about the map of a collection. The first argument is the collection's name."""

from __future__ import annotations

import numpy as np

from mitame.client.request import BINARY, Reply, Request, collection_path
from mitame.errors import ServiceError
from mitame.maps import NO_CATEGORY, ItemMap
from mitame.wire.maps import FULL, from_bytes


def map(  # noqa: A001 - the word that users know
    collection: str,
    *,
    lens: str | None = None,
    where: str | None = None,
    limit: int | None = None,
) -> Request[ItemMap]:
    """Where the items lie on a plane, near to those that look like them.

    Args:
        lens: which way of being alike; the first one when None.
        where: only items that pass, as text; a filter moves no item.
        limit: at most so many, drawn evenly; 100,000 when None.
    """
    fields = {"lens": lens, "filter": where, "limit": limit}
    path = collection_path(collection, "/map")
    return Request("GET", path, _map, query=fields, headers={"Accept": BINARY})


def _map(reply: Reply) -> ItemMap:
    try:
        head, ids, x, y, category = from_bytes(reply.body)
    except ValueError as error:
        raise ServiceError(f"the server's map can't be read: {error}") from error
    codes = category.astype(np.int64)
    codes[codes >= len(head.categories)] = NO_CATEGORY
    return ItemMap(
        lens=head.lens,
        method=head.method,
        ids=tuple(ids),
        places=np.stack([x, y], axis=1).astype(np.float32) / np.float32(FULL),
        categories=tuple(head.categories),
        codes=codes,
        total=head.total,
        complete=head.complete,
        generation=head.generation,
        position=head.position,
    )
