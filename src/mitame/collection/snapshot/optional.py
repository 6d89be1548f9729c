"""What a merge makes from a lens's vectors, in the snapshot that it builds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import numpy as np

from mitame.collection.snapshot import layout
from mitame.collection.snapshot.builder import SnapshotBuilder
from mitame.collection.snapshot.part import TYPES, Array, Part
from mitame.errors import CorruptCollection, UsageError

MAX_JSON_BYTES = 1 << 20


class OptionalParts:
    """The optional parts of a lens of one kind: arrays by name, and descriptions of them.

    A name is 1 to 40 of ``a-z 0-9 -``; that of a description ends in ``.json``. What one call
    writes is there as a whole or not at all after a crash.

    Args:
        builder: its vectors of the lens are written.
        lens_key: one of the plan's lenses.
        kind: ``index``, ``neighbors``.
    """

    def __init__(self, builder: SnapshotBuilder, lens_key: int, kind: str) -> None:
        self._builder = builder
        self._lens_key = lens_key
        self._kind = kind

    def read(self) -> Mapping[str, Array]:
        """Those that are there, also of a build that was interrupted; mapped, read-only."""
        return self._builder.optional(self._lens_key, self._kind)

    def write(self, arrays: Mapping[str, Array]) -> None:
        """Write arrays under their names.

        Args:
            arrays: uint8, int32, int64, float16 or float32, with one or two axes.

        Raises:
            UsageError: a name, type or shape that a part can't have.
        """
        listed = [
            (self._part(name, array.dtype.name, array.shape), [array])
            for name, array in arrays.items()
        ]
        self._builder.write_optional(listed)

    def write_blocks(
        self, name: str, dtype: str, shape: tuple[int, ...], blocks: Iterable[Array]
    ) -> None:
        """Write one array that is too large to be had at once.

        Args:
            name: its name.
            dtype, shape: of the whole.
            blocks: its rows in order; together as many as `shape` says.

        Raises:
            UsageError: as `write`, or the blocks are not what `shape` says.
        """
        part = self._part(name, dtype, shape)
        self._builder.write_optional([(part, _counted(blocks, part))])

    def drop(self) -> None:
        """Remove all that are there."""
        names = self.read()
        files = {layout.optional_file(self._lens_key, self._kind, name) for name in names}
        self._builder.drop_optional(frozenset(files))

    def _part(self, name: str, dtype: str, shape: tuple[int, ...]) -> Part:
        file = layout.optional_file(self._lens_key, self._kind, name)
        if dtype not in TYPES or len(shape) not in (1, 2):
            raise UsageError(
                f"part {name!r} can't be {dtype}{list(shape)}",
                remedy=f"use one or two axes of {', '.join(TYPES)}",
            )
        return Part(file, self._kind, dtype, tuple(shape), optional=True)


def _counted(blocks: Iterable[Array], part: Part) -> Iterable[Array]:
    left = part.shape[0]
    for block in blocks:
        left -= len(block)
        if block.dtype != np.dtype(part.dtype) or block.shape[1:] != part.shape[1:] or left < 0:
            raise UsageError(f"a block of part {part.file} is {block.dtype}{list(block.shape)}")
        yield block
    if left:
        raise UsageError(f"part {part.file} is {left} rows short")


def as_json(content: Mapping[str, object]) -> Array:
    """A description as the array that is stored, uint8[bytes].

    Raises:
        UsageError: it has what JSON can't hold.
    """
    try:
        text = json.dumps(content, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"a description can't be written: {error}") from error
    return np.frombuffer(text.encode(), np.uint8)


def from_json(array: Array, where: str) -> dict[str, object]:
    """The description that `as_json` made.

    Args:
        array: uint8[bytes], maybe damaged.
        where: what it describes, for errors.

    Raises:
        CorruptCollection: it is none.
    """
    try:
        if array.nbytes > MAX_JSON_BYTES:
            raise ValueError("too long")
        content = json.loads(array.tobytes())
    except (ValueError, RecursionError) as error:
        raise CorruptCollection(f"{where}: its description can't be read") from error
    if not isinstance(content, dict):
        raise CorruptCollection(f"{where}: its description is no object")
    return content
