"""``mitame doctor``."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from mitame import __version__
from mitame.cli.options import collection_options, json_option, print_json
from mitame.cli.telling import tell
from mitame.errors import MitameError

LOW_SPACE = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    detail: str


@click.command("doctor")
@collection_options
@json_option
def doctor_command(data: Path, collection: str, as_json: bool) -> int:
    """Check the installation and the collections.

    Looks at Python, the embedders, the picture formats, the data directory and every
    collection in it. The exit code is 1 when something needs mending.
    """
    findings = []
    for name, look in _checks(data):
        try:
            found = list(look())
        except MitameError as error:
            found = [Finding(name, False, error.line())]
        findings.extend(found)
        if not as_json:
            for each in found:
                tell(f"{'ok ' if each.good else 'BAD'}  {each.name:22} {each.detail}")
    if as_json:
        print_json([each.__dict__ for each in findings])
    return 0 if all(each.good for each in findings) else 1


def _checks(data: Path) -> list[tuple[str, Callable[[], Iterator[Finding]]]]:
    return [
        ("mitame", _versions),
        ("kernel", _kernel),
        ("embedder", _embedders),
        ("formats", _formats),
        ("data", lambda: _space(data)),
        ("collections", lambda: _collections(data)),
    ]


def _versions() -> Iterator[Finding]:
    import numpy
    import onnxruntime

    python = platform.python_version()
    yield Finding("mitame", True, f"{__version__}, Python {python}, {sys.platform}")
    libraries = f"numpy {numpy.__version__}, onnxruntime {onnxruntime.__version__}"
    yield Finding("libraries", True, f"{libraries}, {os.cpu_count()} cores")


def _kernel() -> Iterator[Finding]:
    from mitame import native

    yield Finding("kernel", True, native.described())


def _embedders() -> Iterator[Finding]:
    import numpy as np

    from mitame.embedders.catalog import open_embedder
    from mitame.lenses import DEFAULT_LENSES

    grey = np.full((64, 64, 3), 128, np.uint8)
    for lens, name in DEFAULT_LENSES.items():
        embedder = open_embedder(str(name))
        vector = embedder.embed([embedder.prepare(grey)])[0]
        good = bool(np.isfinite(vector).all())
        yield Finding(f"lens {lens}", good, f"{name} answers {vector.size} floats")


def _formats() -> Iterator[Finding]:
    from importlib.util import find_spec

    from PIL import features

    for name, feature in (("WebP", "webp"), ("AVIF", "avif")):
        good = bool(features.check(feature))
        yield Finding(f"format {name}", good, "read" if good else "this Pillow can't read it")
    heic = find_spec("pillow_heif") is not None
    detail = "read" if heic else "optional: pip install 'mitame[heic]'"
    yield Finding("format HEIC", True, detail)


def _space(data: Path) -> Iterator[Finding]:
    place = data.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    yield Finding("free space", free > LOW_SPACE, f"{free / 1e9:.1f} GB at {place}")
    try:
        with tempfile.TemporaryFile(dir=place):
            yield Finding("data directory", True, f"{data} can be written")
    except OSError as error:
        yield Finding("data directory", False, f"{data} can't be written: {error.strerror}")


def _collections(data: Path) -> Iterator[Finding]:
    from mitame.api import collections
    from mitame.api import open as open_collection

    for name in _remains(data):
        detail = f"has lost its database: restore it, or mitame drop {name} --yes"
        yield Finding(f"collection {name}", False, detail)
    for name in collections(data):
        try:
            with open_collection(data, name, create=False) as items:
                problems = items.check()
                detail = "; ".join(problems[:3]) or f"{len(items)} items, whole"
        except MitameError as error:
            problems, detail = [error.code], error.line()
        yield Finding(f"collection {name}", not problems, detail)


def _remains(data: Path) -> list[str]:
    from mitame.dropping import is_remains

    if not data.is_dir():
        return []
    return sorted(
        each.name for each in data.iterdir() if not each.name.startswith(".") and is_remains(each)
    )
