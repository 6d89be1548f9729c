"""The page's files, read from the package once and kept, plain and packed.

Their addresses hold the version, a hash over all of them. So each may be kept for ever, and a page
never has modules of two versions.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

MEDIA: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
"""Content types by the end of a name; what ends otherwise is not served."""
START = "index.html"
_VERSION = b"VERSION"  # in START, where the version is to stand
_HARDEST = 11  # of brotli; it is done once in a process' life


@dataclass(frozen=True)
class File:
    """One of them.

    Attributes:
        name: below the page's folder, with ``/``.
        media: its content type.
        data: its bytes.
    """

    name: str
    media: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        """Of its bytes, in 32 hexadecimal digits."""
        return _digest(self.data)

    def tag(self, coding: bytes | None) -> str:
        """Of its strong ETag: each coding is other bytes."""
        return self.digest if coding is None else f"{self.digest}-{coding.decode()}"


@dataclass(frozen=True)
class Page:
    """All of them.

    Attributes:
        version: of all files together, in 16 hexadecimal digits.
        files: by name; `START` already tells where the others are.
    """

    version: str
    files: Mapping[str, File]


@cache
def page() -> Page:
    """The page that is installed."""
    return made(read(files("mitame") / "page"))


def read(folder: Traversable, within: str = "") -> dict[str, bytes]:
    """The files of a folder that are served, by name, those of folders in it included."""
    found: dict[str, bytes] = {}
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            found |= read(each, f"{within}{each.name}/")
        elif each.name.rpartition(".")[2] in MEDIA:
            found[within + each.name] = each.read_bytes()
    return found


def made(contents: Mapping[str, bytes]) -> Page:
    """A page of these files.

    Args:
        contents: by name.
    """
    named = (f"{name}\0{_digest(data)}\n" for name, data in sorted(contents.items()))
    version = _digest("".join(named).encode())[:16]
    filled = {
        name: data.replace(_VERSION, version.encode()) if name == START else data
        for name, data in contents.items()
    }
    return Page(
        version,
        {name: File(name, MEDIA[name.rpartition(".")[2]], data) for name, data in filled.items()},
    )


@cache
def packed(file: File, coding: bytes) -> bytes:
    """A file's bytes as small as they get; milliseconds at the first call.

    Args:
        file: of the page.
        coding: ``gzip``, or ``br`` where brotli is installed.
    """
    if coding == b"br":
        brotli = importlib.import_module("brotli")
        return bytes(brotli.compress(file.data, quality=_HARDEST))
    return gzip.compress(file.data, compresslevel=9, mtime=0)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
