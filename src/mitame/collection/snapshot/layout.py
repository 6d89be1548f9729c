"""Which parts a snapshot has, what they are called, and the shape that each must have.

Names of columns are the user's and would lead anywhere, so their parts are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mitame.collection.snapshot.manifest import LensEntry, Manifest
from mitame.collection.snapshot.part import Part
from mitame.errors import UsageError

MANIFEST = "manifest.json"
UNFINISHED = "building.json"
"""What a build has finished so far, in the form of a manifest; gone when the manifest is there."""
ANY = -1
"""A length that the manifest alone tells."""
_KIND = re.compile(r"[a-z]{1,16}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}(\.json)?")


def alive(keys: int) -> Part:
    """uint8[keys]: 1 where there is an item with this key, else 0."""
    return Part("items-alive.part", "alive", "uint8", (keys,))


def id_offsets(keys: int) -> Part:
    """int64[keys + 1]: where each item's id begins in `id_text`, and where the last ends."""
    return Part("items-id-offsets.part", "offsets", "int64", (keys + 1,))


def id_text(length: int = ANY) -> Part:
    """uint8[length]: the ids in UTF-8, one after another."""
    return Part("items-id-text.part", "text", "uint8", (length,))


def codes(number: int, keys: int) -> Part:
    """int32[keys]: for each item 0 where it has no value, n where it has the n-th of `values`."""
    return Part(f"column-{number}-codes.part", "codes", "int32", (keys,))


def values(number: int, length: int = ANY) -> Part:
    """uint8[length]: the distinct values of a column, a JSON array in ASCII."""
    return Part(f"column-{number}-values.part", "values", "uint8", (length,))


def rows(lens: LensEntry) -> Part:
    """int64[rows]: the row that each had in the lens's log, ascending."""
    return Part(f"lens-{lens.key}-rows.part", "rows", "int64", (lens.rows,))


def owners(lens: LensEntry) -> Part:
    """int64[rows]: the key of each row's item."""
    return Part(f"lens-{lens.key}-owners.part", "owners", "int64", (lens.rows,))


def vectors(lens: LensEntry, dtype: str) -> Part:
    """float32 or float16[rows, dimension]."""
    shape = (lens.rows, lens.spec.dimension)
    return Part(f"lens-{lens.key}-vectors.part", "vectors", dtype, shape)


def plan_parts(manifest: Manifest) -> dict[str, Part]:
    """All parts but the vectors, by file."""
    parts = [alive(manifest.keys), id_offsets(manifest.keys), id_text()]
    for number in range(len(manifest.columns)):
        parts += [codes(number, manifest.keys), values(number)]
    for lens in manifest.lenses.values():
        parts += [rows(lens), owners(lens)]
    return {part.file: part for part in parts}


def vector_parts(manifest: Manifest) -> dict[int, Part]:
    """The parts of the vectors, by lens key."""
    return {key: vectors(lens, manifest.dtype) for key, lens in manifest.lenses.items()}


def all_parts(manifest: Manifest) -> dict[str, Part]:
    """All parts that a reader needs, by file."""
    of_vectors = {part.file: part for part in vector_parts(manifest).values()}
    return {**plan_parts(manifest), **of_vectors}


def optional_file(lens_key: int, kind: str, name: str) -> str:
    """The file of an optional part that was made from a lens's vectors.

    Args:
        lens_key: the lens's.
        kind: ``index``, ``neighbors``: 1 to 16 small letters.
        name: 1 to 40 of ``a-z 0-9 -``; ``.json`` after it where the part is a description.

    Raises:
        UsageError: a kind or name that can't be one.
    """
    if not _KIND.fullmatch(kind) or not _NAME.fullmatch(name):
        raise UsageError(f"a part can't be of kind {kind!r} and name {name!r}")
    return f"{_prefix(lens_key, kind)}{name}.part"


def optional_parts(manifest: Manifest, lens_key: int, kind: str) -> Mapping[str, Part]:
    """A lens's optional parts of a kind, by name."""
    prefix = _prefix(lens_key, kind)
    return {
        file.removeprefix(prefix).removesuffix(".part"): part
        for file, part in manifest.parts.items()
        if part.optional and part.kind == kind and file.startswith(prefix)
    }


def _prefix(lens_key: int, kind: str) -> str:
    return f"lens-{lens_key}-{kind}-"
