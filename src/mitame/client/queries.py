"""Requests that ask for neighbours. The first argument is the collection's name."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.client.answers import ServedAnswer, answer, answer_of
from mitame.client.failures import failure_of
from mitame.client.pictures import file_of
from mitame.client.request import (
    BINARY,
    Reply,
    Request,
    collection_path,
    filter_json,
    given,
    json,
    numbers,
    place,
    reader,
)
from mitame.collection import check_id
from mitame.errors import MitameError, UsageError
from mitame.filters import Filter
from mitame.picture import Picture
from mitame.wire.duplicates import DuplicatesReply
from mitame.wire.queries import BatchAnswers


def search(
    collection: str,
    *,
    image: Picture | None = None,
    vector: ArrayLike | None = None,
    limit: int = 10,
    where: str | Filter | None = None,
    lens: str | None = None,
    score_threshold: float | None = None,
    effort: float | None = None,
    exact: bool = False,
    generation: int | None = None,
) -> Request[ServedAnswer]:
    """What looks like this picture, or lies near this vector.

    Args:
        image: a path, an http(s) URL (fetched by the server), the file's bytes, a binary file
            object, or pixels as uint8[height, width, 3].
        vector: float[dim] of the lens, instead of an image.
        limit: at most this many items, 1 to 10,000; the answer has as many as match.
        where: a filter such as ``category=mug,price<5000,sold_out!=true``.
        lens: which way of being alike; the first one when None.
        score_threshold: leave out neighbours with a lower score.
        effort: how hard to look, 0 (quickest) to 1; as was tuned when None.
        exact: look at every vector, whichever engine was chosen.
        generation: ask this kept snapshot alone, without what has changed since it was made.

    Raises:
        GenerationNotFound: it is not kept.
    """
    if (image is None) == (vector is None):
        raise UsageError("a search needs either an image or a vector", remedy="give one")
    return query(
        collection,
        image=image,
        vector=vector,
        limit=limit,
        where=where,
        lens=lens,
        score_threshold=score_threshold,
        effort=effort,
        exact=exact,
        generation=generation,
    )


def query(
    collection: str,
    *,
    id: str | int | None = None,  # noqa: A002
    ids: Iterable[str | int] | None = None,
    vector: ArrayLike | None = None,
    image: Picture | None = None,
    text: str | None = None,
    positive: Iterable[Mapping[str, Any]] | None = None,
    negative: Iterable[Mapping[str, Any]] | None = None,
    negative_weight: float | None = None,
    limit: int = 10,
    where: str | Filter | None = None,
    lens: str | None = None,
    region: Sequence[float] | None = None,
    score_threshold: float | None = None,
    diversity: float = 0.0,
    collapse: bool | float = False,
    effort: float | None = None,
    exact: bool = False,
    generation: int | None = None,
    wishes: Sequence[str] = ("attributes",),
) -> Request[ServedAnswer]:
    """What looks like this: exactly one of id, ids, vector, image, text and positive.

    Args:
        id: of an item; it is never in its own answer.
        ids: of items; what is near to any of them.
        vector, image, limit, where, lens, score_threshold, effort, exact, generation: as in
            `search`.
        text: what is to be seen; for lenses with a text side.
        positive: examples: ``{"id": ...}``, ``{"vector": [...]}``, ``{"image_url": ...}``.
        negative: examples of what is not looked for, beside positive ones.
        negative_weight: how far to go away from them, 0 to 10.
        region: left, top, right and bottom of a box of the picture, as shares of its size.
        diversity: 0 for the nearest, up to 1 for the most unlike each other.
        collapse: True answers near-copies once; a number is the score from which they are.
        wishes: what neighbours are told with: attributes, vector, explain.
    """
    file = None if image is None else file_of(image)
    is_url = isinstance(file, str)
    body = {
        "id": None if id is None else check_id(id),
        "ids": None if ids is None else list(map(check_id, ids)),
        "vector": None if vector is None else numbers(vector),
        "image_url": file if is_url else None,
        "image_base64": base64.b64encode(file).decode() if isinstance(file, bytes) else None,
        "text": text,
        "positive": _examples(positive),
        "negative": _examples(negative),
        "negative_weight": negative_weight,
        "limit": limit,
        "filter": filter_json(where),
        "lens": lens,
        "region": None if region is None else list(region),
        "score_threshold": score_threshold,
        "diversity": diversity,
        "collapse": collapse,
        "effort": effort,
        "exact": exact,
        "generation": generation,
        "with": list(wishes),
    }
    return Request("POST", collection_path(collection, "/query"), answer, body=given(body))


def query_many(
    collection: str, queries: Iterable[Mapping[str, Any]]
) -> Request[list[ServedAnswer | MitameError]]:
    """Many questions, answered at one moment; where one can't be, its place has the error.

    Args:
        queries: bodies as of ``POST /v1/collections/NAME/query``: ``{"id": "a", "limit": 5}``.
    """
    data = json({"queries": list(queries)})
    path = collection_path(collection, "/query:batch")
    return Request("POST", path, _many, body=data)


def similar(
    collection: str,
    id: str | int,  # noqa: A002
    *,
    limit: int = 10,
    where: str | Filter | None = None,
    lens: str | None = None,
    score_threshold: float | None = None,
    effort: float | None = None,
    exact: bool = False,
    generation: int | None = None,
    cursor: str | None = None,
) -> Request[ServedAnswer]:
    """What looks like this item; never the item itself.

    Args:
        id: the item.
        limit, where, lens, score_threshold, effort, exact, generation: as in `search`.
        cursor: of an earlier answer to the same question: what comes after it.

    Raises:
        ItemNotFound: no item has this id.
    """
    if effort is not None or exact or generation is not None or isinstance(where, Filter):
        if cursor is not None:
            raise UsageError("a cursor goes with limit, text filters, lens and score alone")
        return query(
            collection,
            id=id,
            limit=limit,
            where=where,
            lens=lens,
            score_threshold=score_threshold,
            effort=effort,
            exact=exact,
            generation=generation,
        )
    fields = {
        "limit": limit,
        "filter": where,
        "lens": lens,
        "score_threshold": score_threshold,
        "cursor": cursor,
    }
    path = collection_path(collection, f"/items/{place(check_id(id))}/similar")
    return Request("GET", path, answer, query=fields)


def embed(
    collection: str, image: Picture, *, lens: str | None = None
) -> Request[NDArray[np.float32]]:
    """The vector of a picture under a lens, float32[dim]. Nothing is stored."""
    file = file_of(image)
    asked = {"collection": collection, "lens": lens}
    accept = {"Accept": BINARY}
    if isinstance(file, bytes):
        return Request(
            "POST", "/v1/embed", _vector, query=asked, body=file, media=BINARY, headers=accept
        )
    body = given({**asked, "image_url": file})
    return Request("POST", "/v1/embed", _vector, body=body, headers=accept)


def duplicates(
    collection: str,
    *,
    score: float | None = None,
    where: str | Filter | None = None,
    lens: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    decided: bool | None = None,
) -> Request[DuplicatesReply]:
    """A page of groups of near-copies.

    Args:
        score: from which two items are near-copies; what the lens calls the same when None.
        where, lens: as in `search`.
        limit: groups of a page, 1 to 1,000.
        cursor: of the page before.
        decided: only groups about which something was decided, or only the others; all when None.
    """
    body = {
        "score": score,
        "filter": filter_json(where),
        "lens": lens,
        "limit": limit,
        "cursor": cursor,
        "decided": decided,
    }
    path = collection_path(collection, "/duplicates")
    return Request("POST", path, reader(DuplicatesReply), body=given(body))


def _examples(examples: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """With vectors of any kind as numbers."""
    if examples is None:
        return None
    return [
        {k: numbers(v) if k == "vector" and not isinstance(v, str) else v for k, v in each.items()}
        for each in examples
    ]


def _many(reply: Reply) -> list[ServedAnswer | MitameError]:
    found = msgspec.json.decode(reply.body, type=BatchAnswers)
    return [
        failure_of(each.code or "error", each.detail or "it can't be answered")
        if each.answer is None
        else answer_of(each.answer)
        for each in found.answers
    ]


def _vector(reply: Reply) -> NDArray[np.float32]:
    return np.frombuffer(reply.body, "<f4").astype(np.float32)
