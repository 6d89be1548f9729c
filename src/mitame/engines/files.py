"""Libraries that write only to files, and read only from them: through a folder that goes again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from mitame.engines.blob import Bytes

Loaded = TypeVar("Loaded")


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder of the system's temporary ones; removed afterwards with all that is in it.

    What is still open in it is left to the system where that refuses to remove open files.
    """
    with tempfile.TemporaryDirectory(prefix="mitame-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def written(write: Callable[[Path], object]) -> Mapping[str, Bytes]:
    """uint8[bytes] of each file that `write` leaves in the folder that it is given."""
    with folder() as place:
        write(place)
        return {
            path.name: np.fromfile(path, np.uint8)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }


def loaded(blobs: Mapping[str, Bytes], read: Callable[[Path], Loaded]) -> Loaded:
    """What `read` makes of a folder with these files."""
    with folder() as place:
        for name, blob in blobs.items():
            blob.tofile(place / name)
        return read(place)
