"""Bodies about files that could not be indexed."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mitame.wire.base import Reply


class BadFileFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which files are listed.

    Attributes:
        after: begin past this location: the last one that was read.
        limit: at most so many.
        code: only with this reason, such as ``not_an_image``.
    """

    after: Annotated[str, msgspec.Meta(max_length=4_000)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class BadFileInfo(Reply):
    """A place that gave no picture.

    Attributes:
        location: path on the server, archive and member, URL, or a manifest's line.
        code: of the error, stable.
        reason: what is wrong.
        remedy: what to do about it.
        since: when it was found first, seconds since 1970.
    """

    location: str
    code: str
    reason: str
    remedy: str
    since: float


class BadFileList(Reply):
    """Bad files by location, as the last look at each source found them.

    Attributes:
        files: of this page.
        total: how many there are, also those that are not kept: 10,000 of each source are.
        after: asks for the next page; null at the end.
    """

    files: list[BadFileInfo]
    total: int
    after: str | None
