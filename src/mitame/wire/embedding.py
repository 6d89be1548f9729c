"""Bodies of pictures that become vectors and nothing else."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mitame.wire.base import Body, Reply
from mitame.wire.items import Encoding
from mitame.wire.queries import Vector


class EmbedOptions(Body):
    """With what pictures are to be embedded; in the query string where the body is a picture.

    Attributes:
        embedder: a name of the catalogue; or else
        collection: whose lens is meant,
        lens: its name; the collection's first one where left out.
        encoding: of vectors: numbers, or base64 of little-endian float32.
    """

    embedder: str | None = None
    collection: str | None = None
    lens: str | None = None
    encoding: Encoding = "json"


class GivenPicture(Body):
    """A picture: exactly one of its fields."""

    image_base64: str | None = None
    image_url: str | None = None


class EmbedBody(EmbedOptions):
    """Pictures to embed: one, or a list of them.

    Attributes:
        image_base64: a picture's file.
        image_url: where a picture can be had.
        images: several.
    """

    image_base64: str | None = None
    image_url: str | None = None
    images: Annotated[list[GivenPicture], msgspec.Meta(min_length=1, max_length=1_000)] | None = (
        None
    )


class Embedded(Reply):
    """The pictures' vectors, in their order.

    Attributes:
        embedder: that made them.
        fingerprint: of its spec: vectors of the same one may be compared.
        dimension: floats per vector.
        distance: how they are compared.
        vectors: numbers, or base64 of little-endian float32.
    """

    embedder: str
    fingerprint: str
    dimension: int
    distance: str
    vectors: list[Vector]
