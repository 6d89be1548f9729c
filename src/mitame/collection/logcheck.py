"""Whether the log has what was written to it, by the checksum of each append."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from mitame.collection.lens_table import StoredLens
from mitame.collection.log import ROW, Log
from mitame.collection.view import View


def damaged_rows(view: View, log: Log, entry: StoredLens, start: int) -> Iterator[str]:
    """Runs of a lens's rows that are not as they were written, in words.

    Args:
        view: the moment; rows that were written later are not looked at.
        log: of the collection.
        entry: the lens.
        start: rows before this one may be gone.

    Raises:
        CorruptCollection: a file is missing or too short.
    """
    mapped, file = None, None
    for row, count, crc in view.each(
        "SELECT first, count, crc32 FROM appends WHERE lens = ? AND first >= ? ORDER BY first",
        entry.key,
        start,
    ):
        end = row + count
        if file is None or mapped is None or not file.first <= row < file.end:
            file, mapped = entry.log.file_of(row), None
        if mapped is None or len(mapped) < end - file.first:
            mapped = log.map(file, entry.log, end)
        rows = mapped[row - file.first : end - file.first]
        if zlib.crc32(np.ascontiguousarray(rows, ROW).data) != crc:
            yield f"rows {row} to {end - 1} of {file.name} do not fit their checksum"
