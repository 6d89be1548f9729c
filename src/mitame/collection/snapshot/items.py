"""Ids and columns of all items as arrays, and back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mitame.collection.columns import Column, Values
from mitame.collection.item import MAX_ID_LENGTH
from mitame.collection.snapshot import layout
from mitame.collection.snapshot.manifest import Manifest
from mitame.collection.snapshot.part import damaged, map_part
from mitame.errors import CorruptCollection, UsageError
from mitame.storage.protocol import Directory

MAX_ID_BYTES = 4 * MAX_ID_LENGTH
MAX_VALUES_BYTES = 1 << 28
"""Of a column's distinct values as JSON; one with more is made from the items when needed."""


def id_arrays(
    ids: Sequence[str | None], alive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Ids as offsets int64[keys + 1] and text uint8[length]; nothing where there is no item.

    Raises:
        UsageError: an item has no id, or an id no item.
    """
    text = bytearray()
    offsets = np.zeros(len(ids) + 1, np.int64)
    ends = []
    for item_id, is_alive in zip(ids, alive.tolist(), strict=True):
        if (item_id is not None) != is_alive or item_id == "":
            raise UsageError(f"the id {item_id!r} does not fit whether its key is alive")
        text += b"" if item_id is None else _encoded(item_id)
        ends.append(len(text))
    offsets[1:] = ends
    return offsets, np.frombuffer(text, np.uint8)


def _encoded(item_id: str) -> bytes:
    try:
        return item_id.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the id {item_id!r} has half a character") from error


def column_arrays(name: str, column: Column) -> tuple[NDArray[np.int32], NDArray[np.uint8]] | None:
    """A column as codes and the JSON of its values, without those that no item has.

    None where that is more than `MAX_VALUES_BYTES`.

    Raises:
        CorruptCollection: a value is none that JSON can hold, so it can't have been written.
    """
    used = np.bincount(column.codes, minlength=1) > 0
    used[0] = False
    renumbered = np.cumsum(used, dtype=np.int32) * used
    values = [column.values.entries[code] for code in np.flatnonzero(used)]
    try:
        text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CorruptCollection(f"a value of {name!r} can't be right: {error}") from error
    if len(text) > MAX_VALUES_BYTES:
        return None
    return renumbered[column.codes].astype(np.int32), np.frombuffer(text.encode(), np.uint8)


class MappedIds:
    """The ids in a snapshot, by item key."""

    def __init__(self, directory: Directory, manifest: Manifest) -> None:
        self._directory = directory
        self._offsets_part = manifest.parts[layout.id_offsets(manifest.keys).file]
        self._offsets = map_part(directory, self._offsets_part)
        self._text = map_part(directory, manifest.parts[layout.id_text().file])

    def __getitem__(self, key: int) -> str | None:
        """The item's id; None where there is none, or no such key.

        Raises:
            CorruptCollection: its bytes can't be an id.
        """
        if not 0 <= key < len(self._offsets) - 1:
            return None
        start, end = int(self._offsets[key]), int(self._offsets[key + 1])
        if not 0 <= start <= end <= len(self._text) or end - start > MAX_ID_BYTES:
            raise damaged(self._directory, self._offsets_part, f"is wrong about key {key}")
        try:
            return self._text[start:end].tobytes().decode() or None
        except UnicodeDecodeError as error:
            text = f"is wrong about key {key}, or the ids are damaged"
            raise damaged(self._directory, self._offsets_part, text) from error


class MappedColumns(Mapping[str, Column]):
    """The columns in a snapshot, by name, each mapped when it is first asked for. Thread-safe."""

    def __init__(self, directory: Directory, manifest: Manifest) -> None:
        self._directory = directory
        self._manifest = manifest
        self._numbers = {name: number for number, name in enumerate(manifest.columns)}
        self._made: dict[str, Column] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Column:
        """The column.

        Raises:
            KeyError: the snapshot has none of this name; it can be made from the items.
            CorruptCollection: its parts are damaged.
        """
        number = self._numbers[name]
        with self._lock:
            if name not in self._made:
                self._made[name] = self._column(number)
            return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def _column(self, number: int) -> Column:
        codes_part = self._manifest.parts[layout.codes(number, self._manifest.keys).file]
        values_part = self._manifest.parts[layout.values(number).file]
        codes = map_part(self._directory, codes_part)
        if values_part.payload > MAX_VALUES_BYTES:
            raise damaged(self._directory, values_part, "has too many values")
        text = map_part(self._directory, values_part).tobytes()
        try:
            values = Values.of(json.loads(text, parse_constant=_refused))
        except (ValueError, TypeError, RecursionError) as error:
            raise damaged(self._directory, values_part, "is no list of values") from error
        count = len(values.entries)
        if codes.min() < 0 or codes.max() >= count:
            raise damaged(self._directory, codes_part, f"has a code that is not below {count}")
        return Column(codes, values, count)


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no value")
