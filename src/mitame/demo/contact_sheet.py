"""Queries and their answers at a glance: one picture (PNG) and one self-contained page (HTML)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mitame.errors import StorageError

PAGE_NAME = "index.html"
SHEET_NAME = "contact-sheet.png"


@dataclass(frozen=True)
class SheetAnswer:
    """One neighbour.

    Attributes:
        path: its picture; a blank tile stands for one that can't be read.
        label: what it is called.
        score: how alike, highest first; shown with two decimals.
        match: the score in a word: ``same``, ``similar`` or ``weak``.
    """

    path: Path
    label: str
    score: float
    match: str


@dataclass(frozen=True)
class SheetRow:
    """One query with its answers, best first.

    Attributes:
        query: its picture.
        query_label: what it is called.
        answers: any number, none too.
    """

    query: Path
    query_label: str
    answers: Sequence[SheetAnswer]


def write_contact_sheet(rows: Sequence[SheetRow], folder: Path, *, title: str) -> tuple[Path, Path]:
    """Writes ``index.html`` and ``contact-sheet.png``, each whole or not at all.

    Args:
        rows: from top to bottom.
        folder: made if it is not there; files of these two names are replaced.
        title: headline of both.

    Returns:
        Paths of the page and of the picture.

    Raises:
        StorageError: the folder can't be written.
    """
    from mitame.demo.contact_page import page_of  # Pillow only when drawing
    from mitame.demo.contact_picture import picture_of  # the same

    page, sheet = folder / PAGE_NAME, folder / SHEET_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(page, page_of(rows, title).encode())
        _replace(sheet, picture_of(rows, title))
    except OSError as error:
        raise StorageError(f"can't write {folder}: {error.strerror or error}") from error
    return page, sheet


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
