"""Writes a snapshot, part after part, so that one that was killed can be gone on with.

Each part is written and synced, then its name; only then ``building.json`` is replaced by one
that lists it. What is listed is whole, whenever the power went; what is not is written anew. The
manifest comes last, when all are listed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from mitame.collection.snapshot import layout, part
from mitame.collection.snapshot.items import MappedIds, column_arrays, id_arrays
from mitame.collection.snapshot.layout import MANIFEST, UNFINISHED
from mitame.collection.snapshot.manifest import MAX_BYTES, Manifest, check_complete
from mitame.collection.snapshot.part import Array, Part
from mitame.collection.snapshot.plan import LensPlan, Planned, SnapshotPlan, VectorType, check
from mitame.errors import CorruptCollection, NewerFormat, UsageError
from mitame.storage.protocol import Directory


class SnapshotBuilder:
    """Builds one snapshot in a directory of its own, or goes on with what it finds there.

    Every method may raise StorageError. One builder at a time may work in a directory.

    Args:
        directory: nothing else may lie there; the caller renames it when it is finished.
        dtype: of the vectors; ``float16`` halves them and keeps about three digits.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        dtype: VectorType = "float32",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if dtype not in ("float32", "float16"):
            raise UsageError(f"vectors can't be {dtype!r}", remedy="use float32 or float16")
        self._directory = directory
        self._dtype = dtype
        self._clock = clock
        self._manifest: Manifest | None = None

    @property
    def planned(self) -> Planned | None:
        """The plan that an earlier build has left; None where it is not whole or not of `dtype`.

        All of it that was finished is read and compared with its checksums, then used again.
        """
        if self._manifest is None:
            self._manifest = self._left_behind()
        if self._manifest is None:
            return None
        manifest = self._manifest
        return Planned(
            manifest.generation,
            manifest.position,
            manifest.created,
            manifest.items,
            tuple(self._lens_plan(manifest, key) for key in manifest.lenses),
            self._missing(manifest),
        )

    def write_plan(self, plan: SnapshotPlan) -> None:
        """Begin anew: remove all that is in the directory, write all parts but the vectors.

        Columns are written without the values that no item has any more; one that has more of
        them than `MAX_VALUES_BYTES` is left out, and made from the items when it is needed.

        Raises:
            UsageError: the plan contradicts itself.
            CorruptCollection: a value is none that an attribute can have.
        """
        check(plan)
        self._manifest = None
        for name in self._directory.names():
            self._directory.remove(name)
        manifest = self._with_items(self._empty(plan), plan)
        manifest = self._with_columns(manifest, plan)
        self._note(self._with_rows(manifest, plan))

    def write_vectors(
        self,
        lens_key: int,
        blocks: Iterable[NDArray[np.float32]],
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Write a lens's vectors, or do nothing where they are there already.

        Args:
            lens_key: one of the plan's lenses.
            blocks: float32[b, dimension], together as many rows as the plan has, in its order;
                not begun where nothing is written.
            on_bytes: called with the bytes of each block as stored; with all of them at once
                where they are there already.

        Raises:
            UsageError: no plan, no such lens, another number of rows or dimension, or a number
                that float16 can't hold.
        """
        manifest = self._begun()
        if lens_key not in manifest.lenses:
            raise UsageError(f"the plan has no lens with key {lens_key}")
        wanted = layout.vectors(manifest.lenses[lens_key], manifest.dtype)
        if wanted.file in manifest.parts:
            on_bytes(wanted.payload)
            return
        name = manifest.lenses[lens_key].name
        stored = _stored(blocks, wanted, f"the vectors of lens {name!r}")
        self._note(manifest.with_part(self._write(wanted, stored, on_bytes)))

    def write_optional(self, parts: Iterable[tuple[Part, Iterable[Array]]]) -> None:
        """Write parts that were made from the vectors, in place of those of the same files.

        They count together: a build that is gone on with finds all of them or none.

        Args:
            parts: each with the blocks of its array.

        Raises:
            UsageError: no plan, or one of the parts is not optional.
        """
        written = list(parts)
        if not all(wanted.optional for wanted, _ in written):
            raise UsageError("a part that readers must know can't be written as an optional one")
        self.drop_optional(frozenset(wanted.file for wanted, _ in written))
        manifest = self._begun()
        for wanted, blocks in written:
            manifest = manifest.with_part(self._write(wanted, blocks))
        self._note(manifest)

    def drop_optional(self, files: frozenset[str]) -> None:
        """Forget optional parts; files that are none, or not there, are passed over.

        Raises:
            UsageError: no plan.
        """
        manifest = self._begun()
        there = files & manifest.optional_files
        if there:  # the list goes first, so that no part is listed that is not whole
            self._note(manifest.without(there))
            for file in there:
                self._directory.remove(file)

    def optional(self, lens_key: int, kind: str) -> Mapping[str, Array]:
        """A lens's optional parts of a kind that are there, by name; mapped, read-only.

        Raises:
            UsageError: no plan.
        """
        found = layout.optional_parts(self._begun(), lens_key, kind)
        return {name: part.map_part(self._directory, listed) for name, listed in found.items()}

    def vectors(self, lens_key: int) -> Array:
        """A lens's vectors that have been written: float32 or float16[rows, dimension], mapped.

        Let go of the array before the directory is renamed: Windows refuses that otherwise.

        Raises:
            UsageError: no plan, no such lens, or its vectors are not written yet.
        """
        manifest = self._begun()
        if lens_key not in manifest.lenses or lens_key in self._missing(manifest):
            raise UsageError(f"there are no vectors yet of a lens with key {lens_key}")
        wanted = layout.vectors(manifest.lenses[lens_key], manifest.dtype)
        return part.map_part(self._directory, manifest.parts[wanted.file])

    def ids(self) -> MappedIds:
        """The items' ids by key, mapped: see `vectors`.

        Raises:
            UsageError: no plan.
        """
        return MappedIds(self._directory, self._begun())

    @property
    def vector_bytes(self) -> int:
        """Bytes that `write_vectors` will have reported when all lenses are done.

        Raises:
            UsageError: no plan.
        """
        return sum(p.payload for p in layout.vector_parts(self._begun()).values())

    def finish(self) -> None:
        """Write the manifest; all is on the disk when this returns. Doing it twice does no harm.

        Raises:
            UsageError: no plan, or vectors are missing.
        """
        manifest = self._begun()
        if missing := self._missing(manifest):
            raise UsageError(f"vectors are missing of {len(missing)} lenses")
        self._directory.replace(MANIFEST, manifest.to_bytes())
        self._directory.remove(UNFINISHED)
        self._directory.sync()

    def _begun(self) -> Manifest:
        if self._manifest is None:
            self._manifest = self._left_behind()
        if self._manifest is None:
            raise UsageError("this snapshot has no plan yet", remedy="write it first")
        return self._manifest

    def _empty(self, plan: SnapshotPlan) -> Manifest:
        return Manifest(
            plan.generation,
            plan.position,
            int(self._clock()),
            len(plan.alive),
            int(np.count_nonzero(plan.alive)),
            self._dtype,
            (),
            {lens.key: lens.entry for lens in plan.lenses},
            {},
        )

    def _with_items(self, manifest: Manifest, plan: SnapshotPlan) -> Manifest:
        keys = manifest.keys
        offsets, text = id_arrays(plan.ids, plan.alive)
        manifest = manifest.with_part(
            self._write(layout.alive(keys), [plan.alive.astype(np.uint8)])
        )
        manifest = manifest.with_part(self._write(layout.id_offsets(keys), [offsets]))
        return manifest.with_part(self._write(layout.id_text(len(text)), [text]))

    def _with_columns(self, manifest: Manifest, plan: SnapshotPlan) -> Manifest:
        for name, column in plan.columns.items():
            arrays = column_arrays(name, column)
            if arrays is not None:
                codes, values = arrays
                number = len(manifest.columns)
                manifest = manifest.with_column(
                    name,
                    self._write(layout.codes(number, manifest.keys), [codes]),
                    self._write(layout.values(number, len(values)), [values]),
                )
        return manifest

    def _with_rows(self, manifest: Manifest, plan: SnapshotPlan) -> Manifest:
        for lens in plan.lenses:
            manifest = manifest.with_part(self._write(layout.rows(lens.entry), [lens.rows]))
            manifest = manifest.with_part(self._write(layout.owners(lens.entry), [lens.owners]))
        return manifest

    def _write(
        self,
        planned: Part,
        blocks: Iterable[Array],
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> Part:
        digest = part.write(self._directory, planned, blocks, on_bytes)
        return replace(planned, sha256=digest)

    def _note(self, manifest: Manifest) -> None:
        """Make what has been written count, once its names are on the disk."""
        self._directory.sync()
        self._directory.replace(UNFINISHED, manifest.to_bytes())
        self._manifest = manifest

    def _left_behind(self) -> Manifest | None:
        """What an earlier build has left, without vectors that are not whole."""
        for name in (MANIFEST, UNFINISHED):
            if self._directory.exists(name):
                try:
                    return self._usable(self._directory.read(name, limit=MAX_BYTES))
                except (CorruptCollection, NewerFormat):
                    return None
        return None

    def _usable(self, data: bytes) -> Manifest | None:
        where = part.place(self._directory)
        manifest = Manifest.from_bytes(data, where)
        if manifest.dtype != self._dtype:
            return None
        vectors = layout.vector_parts(manifest)
        derived = manifest.optional_files
        plan = manifest.without(derived | {wanted.file for wanted in vectors.values()})
        check_complete(plan, layout.plan_parts(plan), where)
        for listed in plan.parts.values():
            part.check_digest(self._directory, listed)
        damaged = {p.file for p in vectors.values() if not self._is_planned(manifest, p)}
        if not all(self._is_whole(manifest.parts[file]) for file in derived):
            damaged |= derived  # which of them belong together is not known here
        return manifest.without(frozenset(damaged))

    def _is_planned(self, manifest: Manifest, wanted: Part) -> bool:
        listed = manifest.parts.get(wanted.file)
        if listed is None or replace(listed, sha256="") != wanted:
            return False
        return self._is_whole(listed)

    def _is_whole(self, listed: Part) -> bool:
        try:
            part.check_digest(self._directory, listed)
        except CorruptCollection:
            return False
        return True

    def _missing(self, manifest: Manifest) -> frozenset[int]:
        wanted = layout.vector_parts(manifest).items()
        return frozenset(key for key, p in wanted if p.file not in manifest.parts)

    def _lens_plan(self, manifest: Manifest, key: int) -> LensPlan:
        """Loaded, not mapped: the directory is soon renamed, which Windows refuses for maps."""
        lens = manifest.lenses[key]
        files = (layout.rows(lens).file, layout.owners(lens).file)
        rows, owners = (part.map_part(self._directory, manifest.parts[f]).copy() for f in files)
        return LensPlan(key, lens.name, lens.spec, lens.log_rows, rows, owners)


def _stored(blocks: Iterable[NDArray[np.float32]], wanted: Part, what: str) -> Iterator[Array]:
    """The blocks as they are stored, counted and checked."""
    left = wanted.shape[0]
    for block in chain(blocks, [np.empty((0, wanted.shape[1]), np.float32)]):
        if block.ndim != 2 or block.shape[1] != wanted.shape[1] or len(block) > left:
            raise UsageError(f"{what} are not as planned, [{wanted.shape[0]}, {wanted.shape[1]}]")
        left -= len(block)
        with np.errstate(over="ignore"):
            stored = block.astype(part.TYPES[wanted.dtype], copy=False)
        if wanted.dtype == "float16" and not np.isfinite(stored).all():
            raise UsageError(f"{what} are too large for float16", remedy="keep them as float32")
        yield stored
    if left:
        raise UsageError(f"{what} are {left} rows short of the plan")
