"""The part of `mitame.testing.directories` that is about what is in files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.errors import CorruptCollection, UsageError
from mitame.storage.protocol import Buffer, Directory
from mitame.testing.directory_locks import refused


class DirectoryFileConformance:
    """Inherited by `DirectoryConformance`."""

    def directory(self) -> Directory:
        """A new, empty directory each time it is called."""
        raise NotImplementedError  # the class that inherits says which

    def test_written_is_read(self) -> None:
        """The bytes of all writes in order, by `read`, `map` and `size`."""
        directory = self.directory()
        make(directory, "a", b"one", b"", bytearray(b"two"), memoryview(b"three"))
        assert directory.read("a", limit=11) == b"onetwothree"
        assert bytes(directory.map("a")) == b"onetwothree"
        assert directory.size("a") == 11

    def test_arrays_are_written_in_c_order(self) -> None:
        """Any type, byte order and memory layout, as `tobytes` has it."""
        directory = self.directory()
        table = np.arange(24, dtype=np.float32).reshape(4, 6)
        arrays: list[NDArray[Any]] = [
            *(table, table.T, table[::2, ::-3], table[:0], table.astype(">f4")),
            *(
                table.astype(np.float16),
                table > 3,
                table.astype(np.int64),
                np.array(7, np.float32),
            ),
        ]
        make(directory, "a", *arrays)
        with directory.region("b") as region:
            region.write_at(0, table.T)
        assert bytes(directory.map("a")) == b"".join(array.tobytes() for array in arrays)
        assert bytes(directory.map("b")) == table.T.tobytes()

    def test_the_limit_of_read(self) -> None:
        """A file of the limit is read, one byte more is refused."""
        directory = self.directory()
        make(directory, "a", bytes(5))
        assert directory.read("a", limit=5) == bytes(5)
        refused(lambda: directory.read("a", limit=4), CorruptCollection)
        make(directory, "empty")
        assert directory.read("empty", limit=0) == b""

    def test_closed_files_take_nothing(self) -> None:
        """Writing and syncing are refused after closing; closing twice is fine."""
        directory = self.directory()
        output, region = directory.create("a"), directory.region("b")
        for file in (output, region):
            file.close()
            file.close()
            refused(file.sync, UsageError)
        refused(lambda: output.write(b"x"), UsageError)
        refused(lambda: region.write_at(0, b"x"), UsageError)
        assert directory.size("a") == directory.size("b") == 0

    def test_regions_are_written_at_places(self) -> None:
        """Over what is there, past the end with zeros in the gap, and again after reopening."""
        directory = self.directory()
        with directory.region("a") as region:
            region.write_at(4, b"56")
            region.write_at(0, b"12")
        with directory.region("a") as region:
            region.write_at(1, b"xyz")
            region.write_at(99, b"")
            refused(lambda: region.write_at(-1, b"a"), UsageError)
            region.sync()
        assert directory.read("a", limit=99) == b"1xyz56"

    def test_maps_are_read_only(self) -> None:
        """Nobody writes into a file by its map; an empty file has an empty one."""
        directory = self.directory()
        make(directory, "a", b"abc")
        make(directory, "empty")
        mapped = directory.map("a")
        assert mapped.readonly
        assert (mapped.format, mapped.shape, mapped.contiguous) == ("B", (3,), True)
        assert len(directory.map("empty")) == 0
        assert directory.map("empty").readonly

    def test_maps_keep_their_size_and_show_later_writes(self) -> None:
        """What is written within a map's size shows in it, however the file has grown since."""
        directory = self.directory()
        with directory.region("a") as region:
            region.write_at(0, bytes(8))
            old = directory.map("a")
            region.write_at(6, b"1234")
            new = directory.map("a")
            region.write_at(20, bytes(50))
            region.write_at(1, b"xy")
        assert bytes(old) == b"\0xy\0\0\x0012"
        assert bytes(new) == b"\0xy\0\0\x001234"

    def test_maps_outlive_their_file(self) -> None:
        """Removed, replaced or in a removed folder: a map still shows what it did."""
        directory = self.directory()
        folder = directory.child("folder")
        for name in ("removed", "replaced"):
            make(directory, name, name.encode())
        make(folder, "a", b"inside")
        maps = [directory.map("removed"), directory.map("replaced"), folder.map("a")]
        directory.remove("removed")
        directory.replace("replaced", b"something else")
        directory.remove("folder")
        assert [bytes(mapped) for mapped in maps] == [b"removed", b"replaced", b"inside"]


def make(directory: Directory, name: str, *parts: Buffer) -> None:
    """A file of these parts, synced and closed."""
    with directory.create(name) as output:
        for part in parts:
            output.write(part)
        output.sync()
