"""A table of items and their pictures as a source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

from mitame.errors import InvalidManifest, MitameError, UnreadableFile, UsageError
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.files import absolute, file_candidate, read_file, regular
from mitame.images.sources.names import shown
from mitame.images.sources.rows import Row, csv_rows, json_rows, parquet_rows
from mitame.images.sources.url import url_candidate

_READERS = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".jsonl": json_rows,
    ".ndjson": json_rows,
    ".parquet": parquet_rows,
}
MANIFEST_SUFFIXES = frozenset(_READERS)
_MOST_ATTRIBUTES = 1_000


class ManifestSource:
    """Items of a CSV, JSON lines or Parquet file, one picture a row, in the file's order.

    Columns: ``image``, a path from the manifest's folder or an http(s) URL; ``id``, the image's
    path or URL where it is left out; ``category``; every other column is an attribute. Rows with
    the same id are several images of one item, in their order, and should follow each other; each
    is offered as a candidate of its own. A row that can't be used is refused with its number; one
    whose file can't be read is on offer, and is refused when it is read.

    Args:
        path: the manifest; its extension says which form it has.
        allow_outside: take absolute paths and paths that leave the manifest's folder by ``..``.
            Otherwise a manifest from somebody else can't name files elsewhere. Links in the
            folder are followed either way: whoever can put them there can put the files there.
        allow_private: ask addresses of private networks too.
        limits: bytes of a picture and of a row, and how URLs are fetched.

    Raises:
        UnreadableFile: missing, or not a regular file.
        InvalidManifest: while iterating, when the file as a whole can't be read.
        MissingExtra: while iterating, for Parquet without the extra ``parquet``.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        allow_outside: bool = False,
        allow_private: bool = False,
        limits: ImageLimits = DEFAULT_LIMITS,
    ) -> None:
        self._path = absolute(path)
        self._folder = str(Path(self._path).parent)
        self._allow_outside = allow_outside
        self._allow_private = allow_private
        self._limits = limits
        suffix = PurePath(self._path).suffix.lower()
        if suffix not in _READERS:
            raise UsageError(
                f"{shown(self._path)} is no manifest", remedy="name it .csv, .jsonl or .parquet"
            )
        self._read_rows = _READERS[suffix]
        regular(self._path)

    @property
    def root(self) -> str:
        """No location starts with it: a picture that left the table is not known to be gone."""
        return f"{self._path}!"

    @property
    def countable(self) -> bool:
        """True: no picture is read, and no URL is asked."""
        return True

    def __iter__(self) -> Iterator[Candidate | Refused]:
        for number, row in self._read_rows(self._path, self._limits):
            place = f"{shown(self._path)} line {number}"
            if isinstance(row, InvalidManifest):
                yield Refused(place, row)
                continue
            try:
                yield replace(self._candidate(row), row=place)
            except MitameError as error:
                yield Refused(place, error)

    def _candidate(self, row: Row) -> Candidate:
        image = _text(row, "image")
        if image is None:
            raise InvalidManifest("the row has no image", remedy="fill in the column 'image'")
        given = _text(row, "id")
        category = _text(row, "category")
        attributes = _attributes(row)
        found = self._picture(image, given or image)
        if isinstance(found, Refused):
            raise found.error
        named = given is not None
        return replace(found, category=category, attributes=attributes, named=named)

    def _picture(self, image: str, name: str) -> Candidate | Refused:
        if "://" in image:
            return url_candidate(
                image, name, allow_private=self._allow_private, limits=self._limits
            )
        path = self._inside(image)
        found = file_candidate(path, name, self._limits)
        if isinstance(found, Refused) and isinstance(found.error, UnreadableFile):
            # On offer all the same, and refused when it is read: an item must not lose its other
            # pictures because one can't be had for a moment.
            return Candidate(id=name, location=path, read=partial(read_file, path, self._limits))
        return found

    def _inside(self, image: str) -> str:
        path = os.path.normpath(Path(self._folder, image))
        inside = path.startswith(self._folder.rstrip(os.sep) + os.sep)
        if not (inside or self._allow_outside):
            raise InvalidManifest(
                f"the image {image[:200]!r} lies outside the manifest's folder",
                remedy="move it there, or allow it with --allow-outside",
            )
        return path


def _text(row: Row, name: str) -> str | None:
    """A cell that must be text; whole numbers are written out, empty ones are None."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidManifest(
            f"the {name} is no text but {str(value)[:80]!r}", remedy="mend the row"
        )
    if not _is_valid(value):
        raise InvalidManifest(f"the {name} is not valid UTF-8", remedy="save the file as UTF-8")
    return value


def _attributes(row: Row) -> dict[str, object]:
    others = {name: row[name] for name in row if name not in ("id", "image", "category")}
    if len(others) > _MOST_ATTRIBUTES:
        raise InvalidManifest(f"the row has {len(others)} attributes", remedy="leave some out")
    for name, value in others.items():
        if not (_is_valid(name) and _is_attribute(value)):
            raise InvalidManifest(
                f"the attribute {name[:80]!r} can't be kept: {str(value)[:80]!r}",
                remedy="use text, numbers, true, false or a list of texts, in UTF-8",
            )
    return others


def _is_attribute(value: object) -> bool:
    if isinstance(value, str):
        return _is_valid(value)
    if isinstance(value, list):
        return all(isinstance(part, str) and _is_valid(part) for part in value)
    return value is None or isinstance(value, bool | int | float)


def _is_valid(text: str) -> bool:
    """Whether it holds no lone surrogates: what read_lines makes of bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
