"""What a snapshot says of itself: the content of its ``manifest.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mitame.collection.lens import MAX_DIMENSION, Lens
from mitame.collection.snapshot.part import HEADER_BYTES, MAX_LENGTH, TYPES, Part
from mitame.collection.snapshot.sealed import Fields, seal, unseal
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import CorruptCollection, NewerFormat, UsageError

FORMAT = 1
MAX_BYTES = 64 << 20
MAX_GENERATION = 999_999
MAX_KEYS = 2**31 - 1
MAX_COLUMNS = 256
MAX_LENSES = 1_000
MAX_PARTS = 100_000
_LARGEST = 2**63 - 1
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,90}\.part")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,15}")


@dataclass(frozen=True)
class LensEntry:
    """A lens as the snapshot has it.

    Attributes:
        key: in the database; the lens's name may change later, its key doesn't.
        name, spec: at that moment.
        log_rows: rows that its log had, r_G.
        rows: how many of them are in the snapshot.
    """

    key: int
    name: str
    spec: EmbedderSpec
    log_rows: int
    rows: int


@dataclass(frozen=True)
class Manifest:
    """All that a snapshot is made of.

    Attributes:
        generation: from 1.
        position: of the journal, p_G.
        created: seconds since 1970, when it was planned.
        keys: item keys are less than this.
        items: how many of them are alive.
        dtype: of the vectors, ``float32`` or ``float16``.
        columns: names of the columns, in the order of their parts' numbers.
        lenses: by key.
        parts: by file.
    """

    generation: int
    position: int
    created: int
    keys: int
    items: int
    dtype: str
    columns: tuple[str, ...]
    lenses: Mapping[int, LensEntry]
    parts: Mapping[str, Part]

    def with_part(self, part: Part) -> Manifest:
        """The manifest with one part more."""
        return replace(self, parts={**self.parts, part.file: part})

    def with_column(self, name: str, *parts: Part) -> Manifest:
        """The manifest with one column more."""
        listed = {part.file: part for part in parts}
        return replace(self, columns=(*self.columns, name), parts={**self.parts, **listed})

    @property
    def optional_files(self) -> frozenset[str]:
        """Files of the parts that a reader may leave alone."""
        return frozenset(part.file for part in self.parts.values() if part.optional)

    def without(self, files: frozenset[str]) -> Manifest:
        """The manifest without some parts."""
        return replace(self, parts={f: p for f, p in self.parts.items() if f not in files})

    def to_bytes(self) -> bytes:
        """The content of the file.

        Raises:
            UsageError: the specs have something that JSON can't hold.
        """
        return seal(
            {
                "format": FORMAT,
                "generation": self.generation,
                "position": self.position,
                "created": self.created,
                "keys": self.keys,
                "items": self.items,
                "vectors": self.dtype,
                "columns": list(self.columns),
                "lenses": [_lens_json(lens) for lens in self.lenses.values()],
                "parts": [_part_json(self.parts[file]) for file in sorted(self.parts)],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Manifest:
        """The manifest that `to_bytes` wrote.

        Args:
            data: the file's content.
            where: which snapshot's, for errors.

        Raises:
            CorruptCollection, NewerFormat: it can't be used.
        """
        fields = unseal(data, f"{where}: manifest.json")
        version = fields.integer("format", 1, _LARGEST)
        if version > FORMAT:
            raise NewerFormat(f"{where} has format {version}, this mitame knows up to {FORMAT}")
        lenses = [_lens(entry) for entry in fields.entries("lenses", MAX_LENSES)]
        parts = [_part(entry) for entry in fields.entries("parts", MAX_PARTS)]
        made = cls(
            fields.integer("generation", 1, MAX_GENERATION),
            fields.integer("position", 0, _LARGEST),
            fields.integer("created", 0, _LARGEST),
            fields.integer("keys", 1, MAX_KEYS),
            fields.integer("items", 0, MAX_KEYS),
            fields.text("vectors", 8),
            fields.texts("columns", 1_000, MAX_COLUMNS),
            {lens.key: lens for lens in lenses},
            {part.file: part for part in parts},
        )
        if len(made.lenses) < len(lenses) or len(made.parts) < len(parts):
            raise fields.wrong("two lenses or parts are one and the same")
        if len(set(made.columns)) < len(made.columns):
            raise fields.wrong("two columns have one name")
        return made


def _lens_json(lens: LensEntry) -> dict[str, object]:
    return {
        "key": lens.key,
        "name": lens.name,
        "spec": json.loads(lens.spec.to_json()),
        "fingerprint": lens.spec.fingerprint,
        "log_rows": lens.log_rows,
        "rows": lens.rows,
    }


def _lens(fields: Fields) -> LensEntry:
    name = fields.text("name", 64)
    try:
        spec = EmbedderSpec.from_json(fields.inner("spec").json())
        Lens(name, spec)
    except (ValueError, TypeError, LookupError, AttributeError, UsageError) as error:
        raise fields.wrong(f"lens {name!r} can't be read") from error
    fields.inner("spec").integer("dimension", 1, MAX_DIMENSION)
    if spec.fingerprint != fields.digest("fingerprint"):
        raise fields.wrong(f"lens {name!r} does not fit its fingerprint")
    log_rows = fields.integer("log_rows", 0, MAX_LENGTH)
    rows = fields.integer("rows", 0, log_rows)
    return LensEntry(fields.integer("key", 0, _LARGEST), name, spec, log_rows, rows)


def _part_json(part: Part) -> dict[str, object]:
    written = {
        "file": part.file,
        "kind": part.kind,
        "bytes": part.bytes,
        "sha256": part.sha256,
        "dtype": part.dtype,
        "shape": list(part.shape),
    }
    return {**written, "optional": True} if part.optional else written


def _part(fields: Fields) -> Part:
    file = fields.text("file", 100)
    if not _FILE.fullmatch(file):
        raise fields.wrong(f"{file!r} can't be the name of a part")
    dtype = fields.text("dtype", 8)
    if dtype not in TYPES:
        raise fields.wrong(f"part {file} has the type {dtype!r}")
    shape = fields.integers("shape", 2, MAX_LENGTH)
    kind = fields.text("kind", 16)
    if not shape or not _KIND.fullmatch(kind):
        raise fields.wrong(f"part {file} has no shape or no kind")
    part = Part(file, kind, dtype, shape, fields.digest("sha256"), fields.flag("optional"))
    if fields.integer("bytes", HEADER_BYTES, _LARGEST) != part.bytes:
        raise fields.wrong(f"part {file} has another size than its shape")
    return part


def check_complete(manifest: Manifest, needed: Mapping[str, Part], where: str) -> None:
    """Look whether a manifest has all parts that are needed, and none that a reader must know.

    Args:
        manifest: what was read.
        needed: by file, with kind, type and shape; a length of -1 may be any.
        where: which snapshot's, for errors.

    Raises:
        CorruptCollection: a part is missing or is another thing than it must be.
        NewerFormat: there is a part which is not optional and not known here.
    """
    for file, wanted in needed.items():
        part = manifest.parts.get(file)
        if part is None:
            raise CorruptCollection(f"{where}: manifest.json has no part {file}")
        shape = tuple(n if m == -1 else m for n, m in zip(part.shape, wanted.shape, strict=False))
        same = (part.kind, part.dtype, part.shape) == (wanted.kind, wanted.dtype, shape)
        if not same or len(part.shape) != len(wanted.shape):
            raise CorruptCollection(f"{where}: manifest.json has a part {file} of another shape")
    for part in manifest.parts.values():
        if part.file not in needed and not part.optional:
            raise NewerFormat(f"{where} has a part {part.file} that this mitame does not know")
