"""Files that a command writes: looked at before the work, whole or not at all after it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mitame.errors import StorageError


def check_output(path: Path) -> Path:
    """The path itself, if a file can be written there.

    Raises:
        StorageError: there is no such folder, it can't be written, or something that is no file
            has the name.
    """
    try:
        if path.exists() and not path.is_file():
            raise StorageError(f"{path} is not a file", remedy="choose another name")
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            return path
    except OSError as error:
        raise _unwritable(path, error) from error


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file beside its place, then give it its name; its mode is that of any new file.

    Raises:
        StorageError: the disk does not let us; what was there before stays.
    """
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        try:
            with beside.open("xb") as file:
                write(file)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} can't be written ({error.strerror or error})",
        remedy="choose a folder that exists and can be written",
    )
