"""Pictures to vectors, without a collection that keeps them: online prediction."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from mitame.arguments import lens_of
from mitame.embedders.protocol import Embedder
from mitame.errors import (
    CollectionNotFound,
    FetchFailed,
    FetchRefused,
    ImageTooLarge,
    InvalidBody,
    NotAnImage,
    Overloaded,
    UnknownEmbedder,
    UnknownLens,
    UnsupportedMedia,
)
from mitame.serving.bodies import check_media, converted, decoded, media_type
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.embedding import Given
from mitame.serving.pictures.forms import check_names, only, parts_of
from mitame.serving.pictures.item_info import encoded
from mitame.serving.pictures.uploads import BINARY, MEDIA, given
from mitame.serving.replies import reply
from mitame.serving.routes import JSON, Call, Route
from mitame.wire.embedding import EmbedBody, Embedded, EmbedOptions

MAX_PICTURES = 1_000
DIMENSION = "Mitame-Dimension"
"""Floats of each vector in an answer of bytes."""


@dataclass(frozen=True)
class _Asked:
    options: EmbedOptions
    pictures: list[Given]


async def embed(call: Call) -> Response:
    """The vectors of pictures."""
    data = await call.raw()
    query = call.query(EmbedOptions)
    asked = await call.service.threads.run(_asked, call.request, data, query)
    embedder = await _embedder(call, asked.options)
    vectors = await call.service.embedding.embedded(embedder, asked.pictures)
    is_binary = BINARY in call.request.headers.get("accept", "").lower()
    answer = _binary if is_binary else _json
    return await call.service.threads.run(answer, embedder, vectors, asked.options)


async def _embedder(call: Call, options: EmbedOptions) -> Embedder:
    if (options.embedder is None) == (options.collection is None):
        raise InvalidBody(
            "give either an embedder or a collection", remedy="such as embedder=color"
        )
    if options.embedder is not None:
        if options.lens is not None:
            raise InvalidBody("a lens is of a collection, and an embedder is named")
        return await call.service.embedding.named(options.embedder)
    name = options.collection or ""
    call.caller.check(Role.READ, name)
    collection = await call.service.collections.get(name)
    lens = lens_of(collection.lenses, options.lens)
    return await call.service.embedding.of(lens)


def _asked(request: Request, data: bytes, query: EmbedOptions) -> _Asked:
    media = media_type(request)
    if media.startswith("image/") or media == BINARY:
        return _Asked(query, [data])
    if check_media(request, *MEDIA) == JSON:
        body = decoded(data, EmbedBody)
        return _Asked(_merged(body, query), _pictures(body))
    return _of_form(request, data, query)


def _of_form(request: Request, data: bytes, query: EmbedOptions) -> _Asked:
    parts = parts_of(data, request.headers["content-type"])
    check_names(parts, "image", "options")
    told = only(parts, "options")
    options = query if told is None else _merged(decoded(told.data, EmbedOptions), query)
    pictures: list[Given] = [part.data for part in parts if part.name == "image"]
    if not 1 <= len(pictures) <= MAX_PICTURES:
        raise InvalidBody(
            f"the form has {len(pictures)} parts 'image'", remedy=f"give 1 to {MAX_PICTURES}"
        )
    return _Asked(options, pictures)


def _merged(told: EmbedOptions, query: EmbedOptions) -> EmbedOptions:
    """The options of a body; those of the query string may stand in for what it leaves out."""
    names = EmbedOptions.__struct_fields__
    defaults = msgspec.to_builtins(EmbedOptions())
    fields = {name: getattr(query, name) for name in names}
    fields |= {n: v for n in names if (v := getattr(told, n)) != defaults[n]}
    return converted(fields, EmbedOptions, "the options")


def _pictures(body: EmbedBody) -> list[Given]:
    if body.images is None:
        return [given(body.image_base64, body.image_url)]
    if body.image_base64 is not None or body.image_url is not None:
        raise InvalidBody("the body has both 'images' and a single picture", remedy="give one")
    return [given(each.image_base64, each.image_url) for each in body.images]


def _json(embedder: Embedder, vectors: NDArray[np.float32], options: EmbedOptions) -> Response:
    spec = embedder.spec
    return reply(
        Embedded(
            embedder=spec.name,
            fingerprint=spec.fingerprint,
            dimension=spec.dimension,
            distance=spec.distance,
            vectors=encoded(vectors, options.encoding),
        )
    )


def _binary(embedder: Embedder, vectors: NDArray[np.float32], _options: EmbedOptions) -> Response:
    """Little-endian float32, one vector after the other."""
    headers = {DIMENSION: str(embedder.spec.dimension)}
    return Response(vectors.astype("<f4").tobytes(), 200, headers, media_type=BINARY)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/embed",
        embed,
        Role.READ,
        "Pictures to vectors",
        Embedded,
        EmbedBody,
        query=EmbedOptions,
        media=MEDIA,
        form={"image": list[bytes], "options": EmbedOptions},
        produces=(JSON, BINARY),
        errors=(
            UnknownEmbedder,
            CollectionNotFound,
            UnknownLens,
            NotAnImage,
            ImageTooLarge,
            FetchRefused,
            FetchFailed,
            UnsupportedMedia,
            Overloaded,
        ),
        tag="embedding",
    ),
)
