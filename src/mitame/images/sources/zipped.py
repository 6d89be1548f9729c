"""Members of a zip archive (APPNOTE.TXT 6.3.10), each read when it is asked for."""

from __future__ import annotations

import bz2
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from mitame.errors import DamagedArchive, ImageError, MitameError, SourceError, UsageError
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import ImageLimits
from mitame.images.sources.files import open_regular
from mitame.images.sources.members import Archive, check_size, is_offered, member_name
from mitame.images.sources.names import shown

_ENCRYPTED = 0x1
_SLACK = 4096  # bytes by which packing may make a small member larger, at most
_LOCAL = b"PK\x03\x04"
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _LONGEST_COMMENT = 22, 65_535
_ENTRY = 46  # bytes of an entry of the central directory, without its name
_USUAL_ENTRY = 4 * _ENTRY
# LZMA is left out: a few bytes can make its decoder claim gigabytes
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})


def zip_members(
    path: str, limits: ImageLimits, *, categories: bool
) -> Iterator[Candidate | Refused]:
    """Picture members sorted by name.

    Raises:
        DamagedArchive: it can't be opened, or its directory is over the limit.
    """
    with open_regular(path) as file:
        about = os.fstat(file.fileno())
        archive = Archive(path, limits, categories, about.st_size, about.st_mtime_ns)
        infos = _directory(file, archive)
    unpacked = 0
    names: set[str] = set()
    for info in sorted(infos, key=lambda info: info.filename):
        if not is_offered(info.filename):
            continue
        try:
            name = _check(info, limits, names)
            archive.check_total(unpacked := unpacked + info.file_size)
        except (ImageError, SourceError, UsageError) as error:
            yield archive.refused(info.filename, error)
            if unpacked > limits.unpacked(archive.size):
                return
            continue
        yield Candidate(
            id=name,
            location=archive.location(info.filename),
            read=partial(_read, path, info),
            size=info.file_size,
            modified_ns=archive.modified_ns,
            category=archive.category(name),
        )


def _directory(file: BinaryIO, archive: Archive) -> list[zipfile.ZipInfo]:
    try:
        _check_directory(file, archive)
        with zipfile.ZipFile(file) as zipped:
            return zipped.infolist()
    except MitameError:
        raise
    except Exception as error:  # the module lets nearly anything out for hostile directories
        raise DamagedArchive(f"{shown(archive.path)} is no whole zip archive ({error})") from error


def _check_directory(file: BinaryIO, archive: Archive) -> None:
    """Refuse a central directory that is too long before the module loads it into memory."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT - 20))
    tail = file.read()
    found = tail.rfind(_END)
    if found < 0 or len(tail) - found < _END_SIZE:
        raise DamagedArchive(f"{shown(archive.path)} is a zip archive that is cut off")
    count, length = struct.unpack_from("<HI", tail, found + 10)
    if tail[max(0, found - 20) : found].startswith(_LOCATOR64):
        (place,) = struct.unpack_from("<Q", tail, found - 20 + 8)
        count, length = _end64(file, min(place, start + found))
    archive.check_count(count)
    archive.check_count(length // _USUAL_ENTRY)


def _end64(file: BinaryIO, place: int) -> tuple[int, int]:
    file.seek(place)
    record = file.read(56)
    if not record.startswith(_END64) or len(record) < 56:
        raise DamagedArchive("the zip archive's directory is damaged")
    count, length = struct.unpack_from("<QQ", record, 32)
    return count, length


def _check(info: zipfile.ZipInfo, limits: ImageLimits, names: set[str]) -> str:
    name = member_name(info.filename)
    if name in names:
        raise DamagedArchive(f"the archive holds {name[:200]!r} twice")
    names.add(name)
    if info.flag_bits & _ENCRYPTED:
        raise DamagedArchive("the member is encrypted", remedy="pack it again without a password")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise DamagedArchive("the member is a link or a device", remedy="pack the file itself")
    if info.compress_type not in _METHODS:
        raise DamagedArchive(
            f"the member is compressed by method {info.compress_type}",
            remedy="pack it again with deflate",
        )
    check_size(info.file_size, limits)
    if info.compress_size > info.file_size + info.file_size // 100 + _SLACK:
        raise DamagedArchive("the member is larger packed than unpacked")
    return name


def _read(path: str, info: zipfile.ZipInfo) -> bytes:
    """The member's bytes, through a file of its own, so that threads need not wait.

    Raises:
        DamagedArchive: cut off, changed since, or not what the directory says of it.
    """
    with open_regular(path) as file:
        try:
            data = _unpack(_packed(file, info), info)
        except (OSError, ValueError, EOFError, zlib.error, struct.error) as error:
            raise _damaged(info, str(error)) from error
    if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
        raise _damaged(info, "its size or checksum is wrong")
    return data


def _packed(file: BinaryIO, info: zipfile.ZipInfo) -> bytes:
    """The member as it is stored, behind its local header (4.3.7)."""
    file.seek(info.header_offset)
    signature, name, extra = struct.unpack("<4s22xHH", file.read(30))
    if signature != _LOCAL:
        raise ValueError("there is no member where the directory says")
    file.seek(name + extra, os.SEEK_CUR)
    return file.read(info.compress_size)


def _unpack(packed: bytes, info: zipfile.ZipInfo) -> bytes:
    """No more than one byte over the declared size comes out."""
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, info.file_size + 1)
    if info.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, info.file_size + 1)
    return packed


def _damaged(info: zipfile.ZipInfo, reason: str) -> DamagedArchive:
    return DamagedArchive(f"the member {info.filename[:200]!r} is damaged ({reason})")
