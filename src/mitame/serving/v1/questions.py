"""A question as it comes over HTTP: JSON, a form with a picture, or a picture or vector alone."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.arguments import check_threshold, lens_of, vector_of
from mitame.collection import Lens, View
from mitame.collection.item import check_id
from mitame.errors import InvalidBody, InvalidVector
from mitame.filters import Filter, from_json, parse
from mitame.images.region import Region, check_region
from mitame.questions import Example as LibraryExample
from mitame.questions import Question
from mitame.refining import Refinement
from mitame.serving.product.vector_question import is_plain
from mitame.wire.queries import Example, QueryBody, QueryFields, Vector

KINDS = ("id", "ids", "vector", "image", "image_base64", "image_url", "text", "positive")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """A picture that is to be embedded: a file's bytes, or a URL."""

    source: bytes | str


@dataclass(frozen=True)
class Text:
    """A text that is to be embedded."""

    text: str


Given: TypeAlias = str | Floats | Picture | Text
"""An item's id, a vector, or what one is made of."""


@dataclass(frozen=True)
class Asked:
    """A question, before its pictures and texts are vectors.

    Attributes:
        kind: which of the fields of the body it has.
        body: the options, and what is asked.
        near, positive, negative: as in `mitame.questions.Question`.
        where: the filter.
        region: of its picture.
    """

    kind: str
    body: QueryBody
    near: tuple[Given, ...] = ()
    positive: tuple[Given, ...] = ()
    negative: tuple[Given, ...] = ()
    where: Filter | None = None
    region: Region | None = None
    made: list[Picture | Text] = field(default_factory=list)

    @property
    def vector(self) -> Floats | None:
        """The vector that is all that is asked about, beside a limit and a lens; else None."""
        one = self.near[0] if self.kind == "vector" and is_plain(self.body) else None
        return one if isinstance(one, np.ndarray) else None

    @property
    def widest(self) -> int:
        """Floats of the longest vector that came with it; 0 where none did."""
        given = (*self.near, *self.positive, *self.negative)
        return max((len(each) for each in given if isinstance(each, np.ndarray)), default=0)

    def question(self, view: View, vectors: Sequence[Floats]) -> Question:
        """What the library is asked.

        Args:
            view: the moment.
            vectors: of `made`, in order.

        Raises:
            UnknownLens, InvalidVector, UsageError: it can't be asked so.
        """
        lens, body = lens_of(view.lenses, self.body.lens), self.body
        known = iter(vectors)

        def ready(given: Given) -> LibraryExample:
            if isinstance(given, str):
                return check_id(given)
            return vector_of(next(known) if isinstance(given, Picture | Text) else given, lens)

        return Question(
            lens.name,
            tuple(map(ready, self.near)),
            tuple(map(ready, self.positive)),
            tuple(map(ready, self.negative)),
            body.negative_weight,
            body.limit,
            self.where,
            check_threshold(body.score_threshold),
            Refinement(body.diversity, _collapse(body.collapse, lens)),
            body.effort,
            body.exact,
        )


def of_body(body: QueryBody, file: bytes | Floats | None = None) -> Asked:
    """The question that a body asks.

    Args:
        body: decoded.
        file: a picture's bytes or a vector that came beside it.

    Raises:
        InvalidBody: not exactly one thing is asked about, or a field is wrong.
        InvalidFilter, InvalidId, InvalidVector, UsageError: as they say.
    """
    kinds = [name for name in KINDS if getattr(body, name) is not None]
    if file is not None:
        kinds.append("image" if isinstance(file, bytes) else "vector")
    if len(kinds) != 1:
        named = " and ".join(kinds) or "nothing to ask about"
        raise InvalidBody(f"the question has {named}", remedy=f"give one of {', '.join(KINDS)}")
    kind = "image" if kinds[0] == "image_base64" else kinds[0]
    if body.negative is not None and kind != "positive":
        raise InvalidBody("the question has negative examples alone", remedy="give positive ones")
    near = () if kind == "positive" else _near(body, kind, file)
    positive = tuple(_example(each, "positive") for each in body.positive or ())
    negative = tuple(_example(each, "negative") for each in body.negative or ())
    if kind == "positive" and not positive:
        raise InvalidBody("the list of positive examples is empty", remedy="give at least one")
    made = [each for each in (*near, *positive, *negative) if isinstance(each, Picture | Text)]
    region = None if body.region is None else check_region(body.region)
    if region is not None and kind not in ("image", "image_url"):
        raise InvalidBody("region is a box of a picture, and none is asked about")
    return Asked(kind, body, near, positive, negative, _filter(body), region, made)


def of_fields(fields: QueryFields) -> QueryBody:
    """The options of a query string as those of a body.

    Raises:
        InvalidBody: one that is wrong, by name.
    """
    if not all(map(math.isfinite, (fields.diversity, fields.effort or 0, float(fields.collapse)))):
        raise InvalidBody("the query string has a number that is none")
    wishes = fields.wishes.split(",") if fields.wishes else []
    for wish in wishes:
        if wish not in ("attributes", "vector", "explain"):
            raise InvalidBody(
                f"the query string: with has {wish[:40]!r}",
                remedy="use attributes, vector, explain",
            )
    return QueryBody(
        limit=fields.limit,
        filter=fields.filter,
        lens=fields.lens,
        region=None if fields.region is None else _numbers(fields.region),
        score_threshold=fields.score_threshold,
        diversity=fields.diversity,
        collapse=fields.collapse,
        exact=fields.exact,
        effort=fields.effort,
        generation=fields.generation,
        wishes=["attributes"] if fields.wishes is None else wishes,  # type: ignore[arg-type]  # looked at above
    )


def floats_of(data: bytes, what: str) -> Floats:
    """A vector from the bytes of little-endian float32.

    Raises:
        InvalidVector: no whole number of them, or none.
    """
    if not data or len(data) % 4:
        raise InvalidVector(
            f"{what} has {len(data)} bytes", remedy="give little-endian float32, 4 bytes each"
        )
    return np.frombuffer(data, "<f4").astype(np.float32, copy=False)


def bytes_of(text: str, what: str) -> bytes:
    """What base64 says.

    Raises:
        InvalidBody: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidBody(f"{what} is no base64", remedy="use RFC 4648 with padding") from None


def _near(body: QueryBody, kind: str, file: bytes | Floats | None) -> tuple[Given, ...]:
    if isinstance(file, bytes):
        return (Picture(file),)
    if file is not None:
        return (file,)
    if body.ids is not None:
        return tuple(dict.fromkeys(map(check_id, body.ids)))
    image = body.image if body.image_base64 is None else body.image_base64
    one = Example(
        id=body.id,
        vector=body.vector,
        image_base64=image,
        image_url=body.image_url,
        text=body.text,
    )
    return (_example(one, kind),)


def _example(one: Example, place: str) -> Given:
    fields = (one.id, one.vector, one.image_base64, one.image_url, one.text)
    if sum(each is not None for each in fields) != 1:
        raise InvalidBody(
            f"an example of {place} must have exactly one field",
            remedy="give id, vector, image_base64, image_url or text",
        )
    if one.id is not None:
        return check_id(one.id)
    if one.vector is not None:
        return _vector(one.vector)
    if one.image_base64 is not None:
        return Picture(bytes_of(one.image_base64, f"the picture of {place}"))
    return Text(one.text) if one.text is not None else Picture(_url(one.image_url or ""))


def _vector(value: Vector) -> Floats:
    if isinstance(value, str):
        return floats_of(bytes_of(value, "the vector"), "the vector")
    with np.errstate(over="ignore"):  # infinity is refused later, by name
        return np.array(value, np.float32)


def _url(text: str) -> str:
    if not text.lower().startswith(("http://", "https://")):
        raise InvalidBody(f"{text[:80]!r} is no http(s) URL")
    return text


def _filter(body: QueryBody) -> Filter | None:
    if body.filter is None:
        return None
    return parse(body.filter) if isinstance(body.filter, str) else from_json(body.filter)


def _collapse(wanted: bool | float, lens: Lens) -> float | None:
    if isinstance(wanted, bool):
        return lens.spec.same_at if wanted else None
    return wanted


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidBody(f"region is {text[:80]!r}", remedy="write it like 0,0,0.5,1") from None
