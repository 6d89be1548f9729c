"""Sources: folders, archives, manifests, lists of URLs and single pictures.

A source yields a `Candidate` for each picture and a `Refused` for each place that can't give one.
When a source as a whole can't be read, the error is raised instead: by its constructor where that
can be told at once, otherwise by the first step of iterating.
"""

from __future__ import annotations

import os
from pathlib import Path

from mitame.errors import FetchRefused, ImageError, UnreadableFile, UsageError
from mitame.images.candidate import Source
from mitame.images.formats import sniff
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.addresses import parse_url
from mitame.images.sources.archive import ARCHIVE_SUFFIXES, ArchiveSource
from mitame.images.sources.files import open_regular, read_file
from mitame.images.sources.folder import FolderSource
from mitame.images.sources.manifest import MANIFEST_SUFFIXES, ManifestSource
from mitame.images.sources.names import is_picture_name, shown
from mitame.images.sources.single import PictureSource
from mitame.images.sources.url import UrlFile, UrlListSource, fetch

__all__ = [
    "ARCHIVE_SUFFIXES",
    "ArchiveSource",
    "FolderSource",
    "ManifestSource",
    "PictureSource",
    "UrlFile",
    "UrlListSource",
    "fetch",
    "open_source",
    "read_file",
]


def open_source(
    target: str | Path,
    *,
    category_from_folder: bool = False,
    allow_private: bool = False,
    allow_outside: bool = False,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> Source:
    """The source that a path or URL stands for.

    A folder; a zip or tar archive; a manifest (``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson``,
    ``.parquet``); a list of URLs (``.txt``); an http(s) URL of one picture; a picture file. A
    file with another extension is told by its content.

    Args:
        target: path or URL.
        category_from_folder: items of folders and archives get their folder's name as category.
        allow_private: URLs may lead to addresses of private networks.
        allow_outside: a manifest may name files outside its own folder.
        limits: what is refused.

    Raises:
        UnreadableFile: there is no such file or folder, or it is a fifo, socket or device.
        FetchRefused: a URL that is not http(s).
        UsageError: a file that is none of these.
    """
    text = os.fspath(target)
    if "://" in text and not os.path.lexists(text):
        return _url(text, allow_private, limits)
    if Path(text).is_dir():
        return FolderSource(text, category_from_folder=category_from_folder, limits=limits)
    if not os.path.lexists(text):
        raise UnreadableFile(f"there is no file or folder {shown(text)}", remedy="check the path")
    if is_picture_name(text):
        return PictureSource(text, limits=limits)
    name = text.lower()
    if name.endswith(tuple(MANIFEST_SUFFIXES)):
        return ManifestSource(
            text, allow_outside=allow_outside, allow_private=allow_private, limits=limits
        )
    return _file(text, category_from_folder, allow_private, limits)


def _url(url: str, allow_private: bool, limits: ImageLimits) -> Source:
    if not url.lower().startswith(("http://", "https://")):
        raise FetchRefused(f"{url[:200]!r} is not an http(s) URL")
    parse_url(url)
    return UrlListSource([url], allow_private=allow_private, limits=limits, root=url)


def _file(path: str, categories: bool, allow_private: bool, limits: ImageLimits) -> Source:
    name = path.lower()
    if name.endswith(ARCHIVE_SUFFIXES):
        return ArchiveSource(path, category_from_folder=categories, limits=limits)
    if name.endswith(".txt"):
        urls = UrlFile(path, limits=limits)
        root = f"{urls.path}!"
        return UrlListSource(urls, allow_private=allow_private, limits=limits, root=root)
    return _by_content(path, categories, limits)


def _by_content(path: str, categories: bool, limits: ImageLimits) -> Source:
    with open_regular(path) as file:
        start = file.read(4096)
    if start.startswith(b"PK\x03\x04"):
        return ArchiveSource(path, category_from_folder=categories, limits=limits)
    try:
        sniff(start)
    except ImageError as error:
        raise UsageError(
            f"{shown(path)} is nothing to index ({error.message})",
            remedy="give a folder, picture, zip, tar, .csv, .jsonl, .parquet or list of URLs",
        ) from error
    return PictureSource(path, limits=limits)
