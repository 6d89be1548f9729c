"""Fetches npm packages with npm itself and reads the files in them, trusting neither.

npm checks the archive against the registry's SHA-512; the contents are read member by member
under limits and nothing is ever unpacked to a path that the archive names.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from mitame.errors import DamagedArchive, FetchFailed

MAX_MEMBERS = 20_000
MAX_UNPACKED = 256 * 1024 * 1024
_CHUNK = 64 * 1024
_REMEDY = "check the network and npm's registry setting, or use the drawn catalogue"


def pack(package: str, folder: Path, *, timeout: float) -> Path:
    """Has npm put a package's archive into the folder.

    Args:
        package: name with version, ``name@1.2.3``.
        folder: an empty one, used for this package alone.
        timeout: seconds.

    Raises:
        FetchFailed: npm is missing, failed or took too long.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FetchFailed(
            f"can't fetch {package}: npm is not installed",
            remedy="install Node.js, or use the drawn catalogue",
        )
    folder = folder.absolute()  # npm runs inside it
    result = _run([npm, "pack", package, *_options(folder)], package, folder, timeout)
    if result.returncode != 0:
        raise FetchFailed(f"npm can't fetch {package}: {_reason(result.stderr)}", remedy=_REMEDY)
    archives = list(folder.glob("*.tgz"))
    if len(archives) != 1:
        raise FetchFailed(f"npm gave {len(archives)} archives for {package}", remedy=_REMEDY)
    return archives[0]


def read_package(archive: Path, *, max_unpacked: int = MAX_UNPACKED) -> Iterator[tuple[str, bytes]]:
    """The files of a package, in the archive's order: path below ``package/`` and content.

    Args:
        archive: a gzipped tar.
        max_unpacked: bytes that it may unpack to, headers included.

    Raises:
        DamagedArchive: cut off, corrupt, over a limit, or with a member that no package has: a
            link, a device, a path that leads out of it.
    """
    try:
        with gzip.open(archive) as plain:
            yield from _members(_Limited(plain, max_unpacked, archive), archive)
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError) as error:
        raise DamagedArchive(f"can't read {archive.name}: {error}") from error


def _members(stream: _Limited, archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:  # type: ignore[call-overload]  # a stream needs `read` only
        for number, member in enumerate(tar):
            if number >= MAX_MEMBERS:
                raise DamagedArchive(f"{archive.name} has more than {MAX_MEMBERS:,} members")
            path = _checked_path(member, archive)
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield path, content.read()
    while stream.read(_CHUNK):  # to the end, where gzip checks the sum of all that was read
        pass


def _checked_path(member: tarfile.TarInfo, archive: Path) -> str:
    path = PurePosixPath(member.name)
    odd = "\\" in member.name or "\0" in member.name or ".." in path.parts or path.is_absolute()
    if odd or not (member.isfile() or member.isdir()):
        raise DamagedArchive(
            f"{archive.name} has a member that no package has: {member.name[:80]!r}",
            remedy="don't use it",
        )
    return "/".join(path.parts[1:])


class _Limited:
    """A stream that refuses to give more than `limit` bytes: tar headers can ask for any number."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, limit: int, archive: Path) -> None:
        self._stream = stream
        self._left = limit
        self._archive = archive

    def read(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise DamagedArchive(f"{self._archive.name} unpacks to more than is allowed")
        return data


def _options(folder: Path) -> list[str]:
    """Few and short retries: without a network npm would otherwise wait for over a minute."""
    return [
        f"--pack-destination={folder}",
        "--ignore-scripts",
        "--loglevel=error",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
        "--no-update-notifier",
    ]


def _run(
    command: list[str], package: str, folder: Path, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603  # a list without a shell; the package is a constant
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"npm took more than {timeout:.0f} s to fetch {package}"
        raise FetchFailed(message, remedy=_REMEDY) from error
    except OSError as error:
        raise FetchFailed(f"can't start npm: {error.strerror}", remedy=_REMEDY) from error


def _reason(stderr: bytes) -> str:
    """The first line of what npm says, without its prefix; at most 200 characters."""
    lines = stderr.decode("utf-8", "replace").split("\n")
    said = [line.removeprefix("npm error").removeprefix("npm ERR!").strip() for line in lines]
    told = (line for line in said if line and not line.startswith(("code ", "errno ", "syscall ")))
    first = next(told, "no reason given")
    return "".join(c for c in first if c.isprintable())[:200]
