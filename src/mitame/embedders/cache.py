"""Files that can always be made again: built graphs and weights that the user brought.

A built graph is one file, ``graphs/KEY.graph``: eight bytes that name the form, the SHA-256 of the
rest, the rest. It is written beside its place and moved there in one step, so that a reader sees
all of it or nothing; a damaged one is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

MAGIC = b"mitame1\n"
DIGEST_BYTES = 32
CHUNK_BYTES = 1 << 20
VARIABLE = "MITAME_CACHE"


def cache_directory(cache: Path | None = None) -> Path:
    """The argument, else the environment's ``MITAME_CACHE``, else the user's cache directory."""
    if cache is not None:
        return cache
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    import platformdirs  # only when neither of the others is given

    return Path(platformdirs.user_cache_dir("mitame"))


def cached_graph(directory: Path, key: str, build: Callable[[], bytes]) -> bytes:
    """The graph of this key from the cache, or from `build` where there is none that is whole.

    Args:
        directory: of `cache_directory`; need not exist, nor be writable.
        key: letters, digits, ``-`` and ``.``; names weights and the builder's version.
        build: makes the graph; what it raises passes through.
    """
    path = directory / "graphs" / f"{key}.graph"
    graph = _read_graph(path)
    if graph is None:
        graph = build()
        digest = hashlib.sha256(graph).digest()
        # A cache that can't be written costs a second at the next start and nothing else.
        with contextlib.suppress(OSError), replacing(path) as file:
            file.write(MAGIC + digest + graph)
    return graph


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block ends well, and else goes away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_graph(path: Path) -> bytes | None:
    """The whole, undamaged graph at `path`, or None."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head = len(MAGIC) + DIGEST_BYTES
    digest, graph = data[len(MAGIC) : head], data[head:]
    whole = data.startswith(MAGIC) and hashlib.sha256(graph).digest() == digest
    return graph if whole else None
