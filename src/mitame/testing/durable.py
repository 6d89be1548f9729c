"""What a disk would show after a power cut: a model of bytes and names that are synced or not.

Stricter than most file systems: nothing becomes durable that was not asked to be. A file's bytes
are durable by its own sync, its name by a sync of its directory, and neither brings the other.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Unsynced: TypeAlias = Literal["dropped", "kept", "random"]
"""What becomes of what was not synced. All three are legal after a power cut."""
Changes: TypeAlias = "dict[str, Node | None]"


@dataclass
class Fate:
    """How a power cut turns out."""

    bytes: Unsynced
    names: Unsynced
    chance: random.Random

    def keeps(self, rule: Unsynced) -> bool:
        """Whether one unsynced thing is kept."""
        return rule == "kept" or (rule == "random" and self.chance.random() < 0.5)


class DurableFile:
    """Bytes as of the last sync, and the writes since."""

    def __init__(self, data: bytes = b"") -> None:
        self._synced = bytearray(data)
        self._pending: list[tuple[int, bytes]] = []

    def write(self, offset: int, data: memoryview) -> None:
        """A write that is not synced yet."""
        self._pending.append((offset, bytes(data)))

    def sync(self) -> None:
        """All writes are on the disk."""
        for offset, data in self._pending:
            _put(self._synced, offset, data)
        self._pending = []

    def fail_sync(self) -> None:
        """No write since the last sync will ever get there, whoever syncs again."""
        self._pending = []

    def after_cut(self, fate: Fate) -> bytes:
        """The bytes after a power cut."""
        content = bytearray(self._synced)
        for offset, data in self._pending:
            if fate.bytes == "random":
                _put(content, offset, _part(data, fate.chance))
            elif fate.bytes == "kept":
                _put(content, offset, data)
        return bytes(content)


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if data:
        content.extend(bytes(max(0, offset + len(data) - len(content))))
        content[offset : offset + len(data)] = data


def _part(data: bytes, chance: random.Random) -> bytes:
    """None of a write, all, its start, its start and garbage, or only the room for it."""
    start = data[: chance.randrange(len(data) + 1)]
    rest = len(data) - len(start)
    return chance.choice([b"", data, start, start + chance.randbytes(rest), bytes(len(data))])


@dataclass
class DurableFolder:
    """Names as they are now, as of the last sync, and the changes in between, in order."""

    now: dict[str, Node] = field(default_factory=dict)
    _synced: dict[str, Node] = field(default_factory=dict)
    _pending: list[Changes] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path, skip: frozenset[Path]) -> DurableFolder:
        """All that is in a folder, as on the disk already."""
        folder = cls()
        for entry in sorted(set(path.iterdir()) - skip):
            node = cls.load(entry, skip) if entry.is_dir() else DurableFile(entry.read_bytes())
            folder.now[entry.name] = folder._synced[entry.name] = node
        return folder

    def folder(self, name: str) -> DurableFolder:
        """The folder of this name, which must be there."""
        node = self.now[name]
        assert isinstance(node, DurableFolder)
        return node

    def change(self, changes: Changes) -> None:
        """Names that come (with a node) or go (None), together or not at all; not synced yet."""
        _apply(self.now, changes)
        self._pending.append(changes)

    def change_durably(self, name: str, node: Node) -> None:
        """One name that is on the disk at once, without any other."""
        self.now[name] = self._synced[name] = node
        for changes in self._pending:
            changes.pop(name, None)

    def sync(self) -> None:
        """All names are on the disk; says nothing of the bytes in the files."""
        self._synced = dict(self.now)
        self._pending = []

    def write_after_cut(self, path: Path, fate: Fate) -> None:
        """Write what is there after a power cut into a folder, which must exist."""
        names = dict(self._synced)
        for changes in self._pending:
            if fate.keeps(fate.names):
                _apply(names, changes)
        for name, node in names.items():
            if isinstance(node, DurableFile):
                (path / name).write_bytes(node.after_cut(fate))
            else:
                (path / name).mkdir()
                node.write_after_cut(path / name, fate)


Node: TypeAlias = DurableFile | DurableFolder


def _apply(names: dict[str, Node], changes: Changes) -> None:
    for name, node in changes.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node
