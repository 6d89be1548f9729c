"""faiss over memory that it doesn't own: indexes read from bytes, rows that are mapped.

faiss is told where arrays lie and keeps no reference to them: the caller of `read` and `flat_over`
holds on to what it gave for as long as it uses the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.blob import Bytes
from mitame.engines.protocol import Allow, Rows

WORTH_THREADS = 16
"""Queries in one call from which several threads pay."""


def written(index: Any, flags: int = 0) -> Bytes:
    """uint8[bytes] of an index; `flags` are faiss' ``IO_FLAG_...``."""
    import faiss  # an optional dependency

    writer = faiss.VectorIOWriter()
    faiss.write_index(index, writer, flags)
    blob: Bytes = faiss.vector_to_array(writer.data)
    return blob


def read(blob: Bytes, flags: int = 0) -> Any:
    """The index of `written`, whose large arrays stay in the blob (contiguous) where faiss can."""
    import faiss  # an optional dependency

    reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(blob), blob.nbytes)
    return faiss.read_index(reader, flags | faiss.IO_FLAG_MMAP_IFC)


def flat_over(rows: Rows, metric: int) -> Any:
    """A faiss.IndexFlat whose vectors are these rows, where they lie: contiguous float32[n, d]."""
    import faiss  # an optional dependency

    flat = faiss.IndexFlat(rows.shape[1], metric)
    blob = written(faiss.IndexFlatL2(1))
    empty = read(blob)
    # Python can't make faiss' empty owner, but finds one in an index that was read in place.
    flat.codes = faiss.MaybeOwnedVectorUInt8.create_view(
        faiss.swig_ptr(rows.reshape(-1).view(np.uint8)), rows.nbytes, empty.codes.owner
    )
    flat.ntotal = len(rows)
    return flat


def selector(allow: Allow | None) -> tuple[Any, Bytes | None]:
    """A faiss.IDSelectorBitmap of bool[rows], and the bytes that it looks into; None for all."""
    import faiss  # an optional dependency

    if allow is None:
        return None, None
    bits = np.packbits(allow, bitorder="little")
    return faiss.IDSelectorBitmap(len(allow), faiss.swig_ptr(bits)), bits


def searched(index: Any, queries: Rows, count: int, parameters: Any) -> NDArray[np.int64]:
    """Ids int64[q, count] of faiss' search; few queries don't wake other threads."""
    if len(queries) == 1 or len(queries) >= WORTH_THREADS:  # one is never spread over threads
        found: NDArray[np.int64] = index.search(queries, count, params=parameters)[1]
        return found
    with threads(1):
        alone: NDArray[np.int64] = index.search(queries, count, params=parameters)[1]
        return alone


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for what faiss does inside."""
    import faiss  # an optional dependency

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
