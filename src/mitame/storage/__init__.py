"""Storage: files written once, replaced atomically, locked, and durable when they say so.

`Directory` is the protocol; `LocalDirectory` is one on the disk, `MemoryDirectory` one in memory.
"""

from mitame.storage.local import LocalDirectory
from mitame.storage.memory import MemoryDirectory
from mitame.storage.protocol import Buffer, Directory, Output, Region

__all__ = ["Buffer", "Directory", "LocalDirectory", "MemoryDirectory", "Output", "Region"]
