"""Saved indexes of hnswlib (hnswalg.h of 0.8): header, elements with links, vector and label.

The file tells neither the metric nor the type of its numbers; Python's hnswlib writes float32, and
has normalised the vectors where the space is cosine.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mitame.collection.lens import MAX_DIMENSION
from mitame.errors import InvalidFile
from mitame.exchange.binary import BinaryFile, unreadable
from mitame.exchange.row import Block, Row, Rows, narrowed, rows_per_block

_HEADER = struct.Struct("<6QiIQQQdQ")
_LINK = 4
_LABEL = 8


@dataclass(frozen=True)
class Header:
    """The fields of the header that say where things are.

    Attributes:
        count: elements, deleted ones too.
        size: bytes of an element.
        vector: where its vector begins; its links come first.
        label: where its label begins, and the vector ends.
        links: the most links of an element on an upper level.
    """

    count: int
    size: int
    vector: int
    label: int
    links: int

    @property
    def dimension(self) -> int:
        """Of float32 vectors."""
        return (self.label - self.vector) // 4


def read_hnswlib(path: Path) -> Rows:
    """The elements of a saved index by their labels; those marked as deleted are left out.

    Raises:
        UnreadableFile: it can't be opened.
        InvalidFile: not such a file, damaged, or its vectors are not float32.
    """
    with BinaryFile(path) as file:
        header = find_header(file)
        if header is None:
            raise InvalidFile(f"{path.name} is no saved index of hnswlib")
    _check_links(path, header)
    return Rows(
        path.name,
        "hnswlib",
        lambda: _blocks(path, header),
        dimension=header.dimension,
        total=header.count,
    )


def find_header(file: BinaryFile) -> Header | None:
    """The header, if the file begins with one that makes sense; None otherwise."""
    if file.size < _HEADER.size:
        return None
    fields = _HEADER.unpack(file.at(0, _HEADER.size))
    begin, room, count, size, label, vector, _, _, links, links0, *_ = fields
    fits = (
        begin == 0
        and count <= room
        and vector == links0 * _LINK + _LINK
        and vector < label
        and (label - vector) % 4 == 0
        and (label - vector) // 4 <= MAX_DIMENSION
        and size == label + _LABEL
        and _HEADER.size + count * (size + _LINK) <= file.size
    )
    return Header(count, size, vector, label, links) if fits else None


def _check_links(path: Path, header: Header) -> None:
    """Walk over the upper levels' links, which must end where the file does."""
    step = header.links * _LINK + _LINK
    try:
        with path.open("rb") as file:
            file.seek(_HEADER.size + header.count * header.size)
            for _ in range(header.count):
                field = file.read(_LINK)
                length = int.from_bytes(field, "little")
                if len(field) < _LINK or length % step:
                    raise InvalidFile(f"{path.name} is damaged or cut off in its links")
                if length:
                    file.seek(length, os.SEEK_CUR)
            if file.tell() != path.stat().st_size:
                raise InvalidFile(f"{path.name} does not end where its last link does")
    except OSError as error:
        raise unreadable(path.name, error) from error


def _blocks(path: Path, header: Header) -> Iterator[Block]:
    step = rows_per_block(header.size)
    with BinaryFile(path) as file:
        for start in range(0, header.count, step):
            count = min(step, header.count - start)
            data = file.at(_HEADER.size + start * header.size, count * header.size)
            parts = np.frombuffer(data, np.uint8).reshape(count, header.size)
            vectors = narrowed(
                np.ascontiguousarray(parts[:, header.vector : header.label]).view("<f4")
            )
            labels = np.ascontiguousarray(parts[:, header.label :]).view("<u8")[:, 0]
            # The third byte of an element's list of links is its mark of deletion.
            kept = np.flatnonzero(parts[:, 2] & 1 == 0)
            yield [Row(str(labels[i]), vectors[i], number=int(start + i)) for i in kept]
