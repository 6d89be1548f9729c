"""Cells of a CSV file (RFC 4180), row by row; a quote that is never closed costs one line only."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

from mitame.errors import InvalidManifest

_Line = tuple[int, str]


def read_cells(
    lines: Iterator[_Line], delimiter: str
) -> Iterator[tuple[int, list[str] | InvalidManifest]]:
    """Number of the first line and cells of each row.

    A row over several lines that isn't well formed to its end has a quote too many in its first
    line: that one is refused, and reading goes on with the second. Within one line the reader is
    lenient, as spreadsheets are.
    """
    again: deque[_Line] = deque()
    while True:
        taken: list[_Line] = []
        source = _Noted(again, lines, taken)
        try:
            cells: list[str] | InvalidManifest = next(csv.reader(source, delimiter=delimiter))
        except StopIteration:
            return
        except csv.Error as error:
            cells = InvalidManifest(f"the row is no CSV ({error})", remedy="mend the row")
        number = taken[0][0]
        if source.ended or (len(taken) > 1 and not _is_well_formed(taken, delimiter)):
            again.extendleft(reversed(taken[1:]))
            cells = _unclosed()
        yield number, cells


class _Noted:
    """Lines for one row, noted as they are taken; those to be read again come first."""

    def __init__(self, again: deque[_Line], lines: Iterator[_Line], taken: list[_Line]) -> None:
        self._again = again
        self._lines = lines
        self._taken = taken
        self.ended = False

    def __iter__(self) -> _Noted:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self._taken.append(line)
        return line[1]


def _is_well_formed(taken: list[_Line], delimiter: str) -> bool:
    """Whether a quote ends where a cell does; a quote that a later row's quote closes does not."""
    try:
        rows = list(csv.reader([text for _, text in taken], delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return len(rows) == 1


def _unclosed() -> InvalidManifest:
    return InvalidManifest(
        "a quote in this line is not closed where a cell ends", remedy="mend the quotes"
    )
