"""Members of a tar archive (POSIX.1-2001 pax, ustar, GNU), walked once from front to back."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, Protocol

from mitame.errors import DamagedArchive, ImageError, MitameError, SourceError, UsageError
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import MIB, ImageLimits
from mitame.images.sources.files import open_regular
from mitame.images.sources.members import Archive, check_size, is_offered, member_name
from mitame.images.sources.names import shown, storable
from mitame.images.sources.xz import XzReader

_BLOCK = 512
_MOST_METADATA = MIB  # bytes of one extended header


class Readable(Protocol):
    """Bytes from front to back."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class ForwardReader:
    """What the tarfile module reads an archive through.

    It goes forward only, hands out no more at once than a member may have, and counts what comes
    out, so that neither a long header nor an endless stream fills the memory.

    Args:
        stream: the uncompressed archive.
        most_at_once: bytes of one read.
        check_total: raises when so many bytes in all are too many.
    """

    def __init__(
        self, stream: Readable, most_at_once: int, check_total: Callable[[int], None]
    ) -> None:
        self._stream = stream
        self._most_at_once = most_at_once
        self._check_total = check_total
        self._position = 0
        self._latest = b""
        self._again = b""

    @property
    def latest(self) -> bytes:
        """What was read last."""
        return self._latest

    def tell(self) -> int:
        """Bytes from the front."""
        return self._position

    def seek(self, position: int) -> int:
        """Go forward, or back within what was read last."""
        if position < self._position:
            self._step_back(self._position - position)
        while self._position < position and self._skip(position - self._position):
            pass
        return self._position

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, less at the end."""
        if not 0 <= size <= self._most_at_once:
            raise DamagedArchive(f"the tar archive has a header of {size:,} bytes")
        parts = bytearray()
        while len(parts) < size and (part := self._advance(size - len(parts))):
            parts += part
        self._latest = bytes(parts)
        return self._latest

    def _step_back(self, count: int) -> None:
        if count > len(self._latest):
            raise DamagedArchive("the tar archive's members lie in no order")
        self._again = self._latest[-count:] + self._again
        self._latest = self._latest[:-count]
        self._position -= count

    def _skip(self, count: int) -> int:
        """Pass over at most `count` bytes; how many it was."""
        if isinstance(self._stream, io.BufferedReader) and not self._again:
            self._stream.seek(count, os.SEEK_CUR)
            self._position += count
            self._latest = b""
            return count
        self._latest = self._advance(min(count, MIB))
        return len(self._latest)

    def _advance(self, size: int) -> bytes:
        if self._again:
            part, self._again = self._again[:size], self._again[size:]
        else:
            part = self._stream.read(size)
            self._check_total(self._position + len(part))
        self._position += len(part)
        return part


def tar_members(
    path: str, limits: ImageLimits, compression: str, *, categories: bool
) -> Iterator[Candidate | Refused]:
    """Picture members in the archive's order.

    Args:
        path: absolute.
        limits: of members and of all.
        compression: ``gz``, ``bz2``, ``xz`` or empty.
        categories: whether a member's folder is its item's category.

    Raises:
        DamagedArchive: it can't be opened.
    """
    with open_regular(path) as file:
        about = os.fstat(file.fileno())
        archive = Archive(path, limits, categories, about.st_size, about.st_mtime_ns)
        most = max(limits.max_bytes, _MOST_METADATA)
        check_total = archive.check_total if compression else _nothing_unpacks
        reader = ForwardReader(_decompressed(file, compression), most, check_total)
        members = _members(reader, archive)
        while (info := next(members, None)) is not None:
            if isinstance(info, DamagedArchive):
                yield Refused(storable(path), info)
            elif is_offered(info.name) and not info.isdir():
                yield _candidate(info, reader if compression else None, archive)


def _nothing_unpacks(total: int) -> None:
    """An uncompressed tar holds no more than it has."""


def _decompressed(file: BinaryIO, compression: str) -> Readable:
    if compression == "gz":
        return gzip.GzipFile(fileobj=file)
    if compression == "bz2":
        return bz2.BZ2File(file)
    if compression == "xz":
        return XzReader(file)
    return file


def _members(reader: ForwardReader, archive: Archive) -> Iterator[tarfile.TarInfo | DamagedArchive]:
    """Every member, then the reason why there are no more if the archive does not say so."""
    count = 0
    try:
        tar = tarfile.TarFile(fileobj=reader, mode="r", encoding="utf-8")  # type: ignore[arg-type]
        while (info := tar.next()) is not None:
            # the module would keep every member that it has seen
            tar.members.clear()  # type: ignore[attr-defined] # missing in its stubs
            archive.check_count(count := count + 1)
            yield info
        if reader.latest.strip(b"\x00") or len(reader.latest) < _BLOCK:
            yield DamagedArchive(
                f"{shown(archive.path)} is cut off or damaged after {count} members"
            )
    except DamagedArchive as error:
        yield error
    except Exception as error:  # the modules let nearly anything out for hostile archives
        yield DamagedArchive(f"{shown(archive.path)} is damaged after {count} members ({error})")


def _candidate(
    info: tarfile.TarInfo, reader: ForwardReader | None, archive: Archive
) -> Candidate | Refused:
    try:
        name = member_name(info.name)
        if not info.isreg() or info.issparse():
            raise DamagedArchive("the member is a link or a device", remedy="pack the file itself")
        check_size(info.size, archive.limits)
        read = _reading(info, reader, archive)
    except (ImageError, SourceError, UsageError) as error:
        return archive.refused(info.name, error)
    return Candidate(
        id=name,
        location=archive.location(info.name),
        read=read,
        size=info.size,
        modified_ns=archive.modified_ns,
        category=archive.category(name),
    )


def _reading(
    info: tarfile.TarInfo, reader: ForwardReader | None, archive: Archive
) -> Callable[[], bytes]:
    if reader is None:
        return partial(_read_at, archive.path, info.offset_data, info.size)
    data = _read_now(info, reader)
    return lambda: data


def _read_now(info: tarfile.TarInfo, reader: ForwardReader) -> bytes:
    try:
        reader.seek(info.offset_data)
        data = reader.read(info.size)
    except MitameError:
        raise
    except Exception as error:  # the modules let nearly anything out for hostile archives
        raise DamagedArchive(f"the archive is damaged ({error})") from error
    return _whole(data, info.size)


def _read_at(path: str, offset: int, size: int) -> bytes:
    with open_regular(path) as file:
        try:
            file.seek(offset)
            data = file.read(size)
        except (OSError, ValueError) as error:
            raise DamagedArchive(f"{shown(path)} can't be read ({error})") from error
    return _whole(data, size)


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise DamagedArchive(
            f"the archive is cut off: the member has {len(data):,} of {size:,} bytes"
        )
    return data
