"""Which generation is served: the one file of a collection that is ever replaced.

Replacing it is the switch, and the rollback. A collection that was begun in format 1 has none
until its first switch; that means generation 0, no snapshot.
"""

from __future__ import annotations

from mitame.collection.paths import ROOT
from mitame.collection.snapshot import seal, unseal
from mitame.errors import CorruptCollection, NewerFormat
from mitame.storage import Directory

FORMAT = 2
_MAX_BYTES = 4_096
_MAX_GENERATION = 999_999


def read_root(directory: Directory) -> bytes:
    """The file's content; nothing where there is none."""
    if not directory.exists(ROOT):
        return b""
    try:
        return directory.read(ROOT, limit=_MAX_BYTES)
    except CorruptCollection:  # removed in between, or no file of ours
        if not directory.exists(ROOT):
            return b""
        raise


def generation_of(content: bytes, directory: Directory) -> int:
    """The generation that the file's content names.

    Raises:
        CorruptCollection, NewerFormat: it can't be read.
    """
    if not content:
        return 0
    where = ROOT if directory.path is None else str(directory.path / ROOT)
    fields = unseal(content, where)
    version = fields.integer("format", 1, 2**31)
    if version > FORMAT:
        raise NewerFormat(f"{where} has format {version}, this mitame knows up to {FORMAT}")
    return fields.integer("generation", 0, _MAX_GENERATION)


def serve(directory: Directory, generation: int) -> None:
    """Make a generation the one that is served, for everybody and at once."""
    directory.replace(ROOT, seal({"format": FORMAT, "generation": generation}))
