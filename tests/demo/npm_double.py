"""An ``npm`` that packs archives which the test made, and a builder of such archives."""

from __future__ import annotations

import gzip
import io
import json
import stat
import sys
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

_SCRIPT = """#!{python}
import pathlib, shutil, sys, time
here = pathlib.Path({here!r})
package = sys.argv[2].rpartition("@")[0].replace("/", "-").lstrip("@")
folder = next(a.partition("=")[2] for a in sys.argv if a.startswith("--pack-destination="))
with (here / "calls").open("a") as calls:
    calls.write(package + "\\n")
{extra}
shutil.copy(here / (package + ".tgz"), folder)
"""

NAMES_PACKAGE = "unicode-emoji-json"
PICTURES_PACKAGE = "lobehub-fluent-emoji-3d"


class NpmDouble:
    """A folder on PATH with an executable ``npm`` and the archives that it gives.

    Args:
        folder: an empty one.
        monkeypatch: sets PATH to it, and to nothing else.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))
        self.behave("")

    def behave(self, extra: str) -> None:
        """Runs these lines of Python before an archive is given; `folder` and `package` are set."""
        script = _SCRIPT.format(python=sys.executable, here=str(self.folder), extra=extra)
        npm = self.folder / "npm"
        npm.write_text(script)
        npm.chmod(npm.stat().st_mode | stat.S_IXUSR)

    def give(self, package: str, archive: bytes) -> None:
        """What is packed for this package from now on."""
        (self.folder / f"{package}.tgz").write_bytes(archive)

    def give_emoji(self, groups: Mapping[str, Mapping[str, str]], **extra: bytes) -> None:
        """A names package and a pictures package for {group: {emoji: name}}; `extra` is tones."""
        table = {
            emoji: {"name": name, "group": group}
            for group, names in groups.items()
            for emoji, name in names.items()
        }
        names = {"package/data-by-emoji.json": json.dumps(table).encode()}
        pictures = {f"package/assets/{code(emoji)}.webp": webp(emoji) for emoji in table}
        pictures |= {f"package/assets/{name}.webp": data for name, data in extra.items()}
        self.give(NAMES_PACKAGE, tgz(names))
        self.give(PICTURES_PACKAGE, tgz(pictures))

    def calls(self) -> list[str]:
        """The packages asked for so far."""
        record = self.folder / "calls"
        return record.read_text().split() if record.exists() else []

    def remove(self) -> None:
        """Takes npm off the PATH."""
        (self.folder / "npm").unlink()


def code(emoji: str) -> str:
    """The emoji's code points, as the files of the package are named."""
    return "-".join(f"{ord(character):04x}" for character in emoji)


def webp(seed: str) -> bytes:
    """A small picture, another one for each seed."""
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (zlib.crc32(seed.encode()) % 256, 90, 120, 200)).save(
        buffer, "WEBP", lossless=True
    )
    return buffer.getvalue()


def tgz(files: Mapping[str, bytes], *members: tarfile.TarInfo) -> bytes:
    """A gzipped tar of these files, then of these bare members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in members:
            tar.addfile(member)
    return gzip.compress(buffer.getvalue(), mtime=0)
