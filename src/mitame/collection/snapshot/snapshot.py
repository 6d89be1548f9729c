"""A snapshot opened for reading: everything mapped, nothing loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mitame.collection.columns import Columns
from mitame.collection.snapshot import layout
from mitame.collection.snapshot.items import MappedColumns, MappedIds
from mitame.collection.snapshot.layout import MANIFEST
from mitame.collection.snapshot.manifest import MAX_BYTES, LensEntry, Manifest, check_complete
from mitame.collection.snapshot.part import (
    Array,
    check_digest,
    check_size,
    damaged,
    map_part,
    place,
)
from mitame.embedders.protocol import EmbedderSpec
from mitame.storage.protocol import Directory

BLOCK_BYTES = 8 << 20
_LOOKED_AT = 1 << 20
"""Elements that are looked at together, so that a check needs little memory."""


class Snapshot:
    """All items of a collection at one journal position. Immutable, thread-safe.

    Opening maps the parts and reads only the manifest and the headers, however many rows there
    are. What a number in a part is used for is checked when the part is first used; whether all
    of it is as it was written, only `verify` knows.

    Attributes:
        generation: its number.
        position: of the journal, p_G.
        created: seconds since 1970, when it was planned.
        keys: item keys are less than this.
        items: how many there are.
        lenses: by the lens's key in the database.
    """

    def __init__(self, directory: Directory, manifest: Manifest) -> None:
        self._directory = directory
        self._manifest = manifest
        self.generation = manifest.generation
        self.position = manifest.position
        self.created = manifest.created
        self.keys = manifest.keys
        self.items = manifest.items
        self._alive_part = manifest.parts[layout.alive(manifest.keys).file]
        self._alive = map_part(directory, self._alive_part)
        self._ids = MappedIds(directory, manifest)
        self._columns = MappedColumns(directory, manifest)
        self.lenses: Mapping[int, SnapshotLens] = MappingProxyType(
            {key: SnapshotLens(directory, manifest, lens) for key, lens in manifest.lenses.items()}
        )

    @classmethod
    def open(cls, directory: Directory) -> Snapshot:
        """Open the snapshot in a directory.

        Raises:
            NewerFormat: a later mitame wrote it.
            CorruptCollection: naming the part that is missing, too short or has a damaged header.
            StorageError: the system won't let us.
        """
        manifest = Manifest.from_bytes(directory.read(MANIFEST, limit=MAX_BYTES), place(directory))
        needed = layout.all_parts(manifest)
        check_complete(manifest, needed, place(directory))
        for file in needed:
            check_size(directory, manifest.parts[file])
        return cls(directory, manifest)

    @property
    def manifest(self) -> Manifest:
        """What it is made of."""
        return self._manifest

    @property
    def bytes(self) -> int:
        """Bytes of all its parts."""
        return sum(part.bytes for part in self._manifest.parts.values())

    def columns(self) -> Columns:
        """The columns at `position`; each is mapped when it is first asked for.

        A name that is missing in `by_name` was not among those written; `columns.forward` makes
        it from the items.

        Raises:
            CorruptCollection: here or when a column is asked for: its parts are damaged.
        """
        return Columns(self.position, self.alive, self._columns)

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """bool[keys]: there is an item with this key; mapped, read-only."""
        if self._alive.max() > 1:
            raise damaged(self._directory, self._alive_part, "has more than true and false")
        return self._alive.view(np.bool_)

    def id_of(self, key: int) -> str | None:
        """An item's id by its key; None where it has no such item.

        Raises:
            CorruptCollection: the ids are damaged.
        """
        return self._ids[key]

    def verify(
        self, on_bytes: Callable[[int], None] = lambda _: None, *, optional: bool = True
    ) -> list[str]:
        """What is wrong with it, in words; empty when all is well. Reads everything.

        Args:
            on_bytes: called after each part with its bytes.
            optional: also look at what can be made again from the vectors.
        """
        from mitame.collection.snapshot.verify import problems  # here: it looks at this class

        return problems(self._directory, on_bytes, optional=optional)


class SnapshotLens:
    """One lens's rows in a snapshot, in the order of its log, dead ones left out.

    Attributes:
        key: in the database.
        name, spec: at that moment.
        log_rows: rows that its log had, r_G.
        count: rows here, n.
        vectors: float32 or float16[n, dimension], mapped, read-only.
    """

    def __init__(self, directory: Directory, manifest: Manifest, lens: LensEntry) -> None:
        self._directory = directory
        self._manifest = manifest
        self._keys = manifest.keys
        self.key: int = lens.key
        self.name: str = lens.name
        self.spec: EmbedderSpec = lens.spec
        self.log_rows: int = lens.log_rows
        self.count: int = lens.rows
        self._rows_part = manifest.parts[layout.rows(lens).file]
        self._owners_part = manifest.parts[layout.owners(lens).file]
        self._rows = map_part(directory, self._rows_part)
        self._owners = map_part(directory, self._owners_part)
        part = manifest.parts[layout.vectors(lens, manifest.dtype).file]
        self.vectors: NDArray[np.float32] | NDArray[np.float16] = map_part(directory, part)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """int64[n]: the row that each had in the log, ascending; mapped, read-only.

        Raises:
            CorruptCollection: they are not ascending or not below `log_rows`.
        """
        ends = self._rows[:1], self._rows[-1:]
        ascends = all((block[1:] > block[:-1]).all() for block in _overlapping(self._rows))
        if not ascends or any((end < 0).any() or (end >= self.log_rows).any() for end in ends):
            raise damaged(self._directory, self._rows_part, "has rows that can't be right")
        return self._rows

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """int64[n]: the key of each row's item; mapped, read-only.

        Raises:
            CorruptCollection: one is no key of the snapshot.
        """
        least, most = (self._owners.min(), self._owners.max()) if self.count else (0, 0)
        if least < 0 or most >= self._keys:
            raise damaged(self._directory, self._owners_part, "has owners that can't be right")
        return self._owners

    def optional(self, kind: str) -> Mapping[str, Array]:
        """What was made from the vectors, by name; mapped, read-only, made anew at each call.

        Descriptions are JSON in UTF-8 as uint8[bytes]; their names end in ``.json``.

        Args:
            kind: ``index`` or ``neighbors``.

        Raises:
            CorruptCollection, NewerFormat: naming the part that is missing or has another length
                or header. It can be made again: do without.
        """
        found = layout.optional_parts(self._manifest, self.key, kind)
        return {name: map_part(self._directory, part) for name, part in found.items()}

    def check_optional(self, kind: str) -> None:
        """Read what was made from the vectors and compare it with its checksums.

        Args:
            kind: as in `optional`.

        Raises:
            CorruptCollection: naming the part that is not as it was written.
        """
        for part in layout.optional_parts(self._manifest, self.key, kind).values():
            check_digest(self._directory, part)

    @cached_property
    def ids(self) -> MappedIds:
        """The ids of all items of the snapshot, by key."""
        return MappedIds(self._directory, self._manifest)

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """float32[stop - start, dimension] of the vectors: copied only where they are float16."""
        return self.vectors[start:stop].astype(np.float32, copy=False)

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[NDArray[np.float32]]:
        """All vectors as float32[b, dimension], about `size` bytes at a time."""
        step = max(1, size // (4 * self.spec.dimension))
        return (self.block(start, start + step) for start in range(0, self.count, step))


def _overlapping(array: Array) -> Iterator[Array]:
    """Blocks that share their ends, so that every two neighbours are in one of them."""
    step = _LOOKED_AT
    return (array[start : start + step + 1] for start in range(0, max(0, len(array) - 1), step))
