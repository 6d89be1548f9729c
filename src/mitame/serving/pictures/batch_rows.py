"""Rows of a batch: read one by one, so that one that is wrong fails alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from mitame.collection import Change, Lens, Remove, check_id
from mitame.config import LimitsConfig
from mitame.errors import BodyTooLarge, InvalidBody, MitameError
from mitame.serving.bodies import decoded
from mitame.serving.dimensions import check_dimension
from mitame.serving.pictures.uploads import Upload, looks
from mitame.serving.v1.items import patch_of
from mitame.wire.items import BatchRow, ItemChange, Pictured

NDJSON = "application/x-ndjson"
_LOOKS = Pictured.__struct_fields__

Doing: TypeAlias = Change | Upload | MitameError
"""A change that is ready, an item whose pictures are to be embedded first, or what is wrong."""


class _Named(msgspec.Struct):
    """As much of a row as tells which one is wrong."""

    id: str | int | None = None


@dataclass(frozen=True)
class Row:
    """A row of a batch.

    Attributes:
        id: as it was sent; None where it can't be read.
        body: None where it is wrong.
        error: why.
    """

    id: str | None
    body: BatchRow | None = None
    error: MitameError | None = None

    def doing(self, lenses: Mapping[str, Lens], limits: LimitsConfig) -> Doing:
        """What is to be done for it."""
        try:
            return self._doing(lenses, limits)
        except MitameError as error:
            return error

    def _doing(self, lenses: Mapping[str, Lens], limits: LimitsConfig) -> Doing:
        if self.body is None:
            assert self.error is not None
            return self.error
        row, item_id = self.body, check_id(self.body.id)
        if row.op != "put":
            _check_bare(row)
            change = ItemChange(category=row.category, attributes=row.attributes)
            return Remove(item_id) if row.op == "delete" else patch_of(item_id, change)
        category = None if row.category is UNSET else row.category
        upload = looks(row, category, {} if row.attributes is UNSET else row.attributes)
        check_dimension(upload.widest, limits)
        return upload if upload.pictures else upload.bare(item_id, lenses)


def rows_of(data: bytes, media: str, most: int) -> list[Row]:
    """The rows of a batch's body: a JSON array, or a JSON object a line.

    Raises:
        MalformedBody, InvalidBody: the body as a whole can't be read.
        BodyTooLarge: more rows than are allowed.
    """
    if media == NDJSON:
        found = [line for line in data.split(b"\n") if line.strip()]
    else:
        found = [bytes(row) for row in decoded(data, list[msgspec.Raw])]
    if len(found) > most:
        raise BodyTooLarge(f"the batch has {len(found):,} rows, more than {most:,}")
    return list(map(_row, found))


def _row(text: bytes) -> Row:
    try:
        body = decoded(text, BatchRow)
    except MitameError as error:
        return Row(_id(text), error=type(error)(error.message.replace("the body", "the row", 1)))
    return Row(str(body.id)[:1_000] if isinstance(body.id, str) else _digits(body.id), body)


def _id(text: bytes) -> str | None:
    try:
        found = msgspec.json.decode(text, type=_Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _digits(found) if isinstance(found, int) else found and found[:1_000]


def _digits(number: int) -> str | None:
    try:
        return str(number)
    except ValueError:  # of thousands of digits
        return None


def _check_bare(row: BatchRow) -> None:
    given: Sequence[str] = [name for name in _LOOKS if getattr(row, name) is not None]
    if row.op == "delete":
        given = [*given, *(n for n in ("category", "attributes") if getattr(row, n) is not UNSET)]
    if given:
        raise InvalidBody(
            f"a row of op {row.op!r} has {' and '.join(given)}",
            remedy="leave that out, or use op put",
        )
