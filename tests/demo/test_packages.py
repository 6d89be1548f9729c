"""Archives of packages are read under limits, and never written where they say."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mitame.demo import packages
from mitame.demo.packages import read_package
from mitame.errors import DamagedArchive
from tests.demo.npm_double import tgz

FILES = {"package/a.txt": b"alpha", "package/deep/b.txt": b"beta" * 400}


def _archive(folder: Path, data: bytes) -> Path:
    path = folder / "some.tgz"
    path.write_bytes(data)
    return path


def _member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_files_come_with_their_paths(tmp_path: Path) -> None:
    """Paths are those below the package's own folder; folders themselves are passed over."""
    data = tgz(FILES, _member("package/empty", tarfile.DIRTYPE))
    assert list(read_package(_archive(tmp_path, data))) == [
        ("a.txt", b"alpha"),
        ("deep/b.txt", b"beta" * 400),
    ]


@pytest.mark.parametrize(
    "member",
    [
        _member("package/../../out.txt", tarfile.REGTYPE),
        _member("/etc/out.txt", tarfile.REGTYPE),
        _member("package\\..\\out.txt", tarfile.REGTYPE),
        _member("package/link", tarfile.SYMTYPE, "/etc/passwd"),
        _member("package/link", tarfile.LNKTYPE, "package/a.txt"),
        _member("package/pipe", tarfile.FIFOTYPE),
        _member("package/disk", tarfile.BLKTYPE),
    ],
    ids=["dots", "absolute", "backslash", "symlink", "hard link", "pipe", "device"],
)
def test_hostile_members_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    """Paths that lead out, links and devices end the reading."""
    with pytest.raises(DamagedArchive, match="no package has"):
        list(read_package(_archive(tmp_path, tgz(FILES, member))))


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    """A small file that unpacks to more than the limit."""
    path = _archive(tmp_path, tgz({"package/zeros": bytes(4_000_000)}))
    assert path.stat().st_size < 10_000
    with pytest.raises(DamagedArchive, match="more than is allowed"):
        list(read_package(path, max_unpacked=1_000_000))


def test_a_header_that_asks_for_everything_is_refused(tmp_path: Path) -> None:
    """A PAX header is read into memory whole: its size is bounded by the same limit."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 8_000_000_000
    data = header.tobuf(tarfile.GNU_FORMAT) + bytes(4_000_000)
    path = _archive(tmp_path, gzip.compress(data))
    with pytest.raises(DamagedArchive, match="more than is allowed"):
        list(read_package(path, max_unpacked=1_000_000))


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty files cost time too."""
    monkeypatch.setattr(packages, "MAX_MEMBERS", 5)
    data = tgz({f"package/{i}": b"" for i in range(6)})
    with pytest.raises(DamagedArchive, match="more than 5 members"):
        list(read_package(_archive(tmp_path, data)))


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    """Wherever it ends, it is not taken for whole."""
    data = tgz(FILES)
    for length in range(0, len(data), 7):
        with pytest.raises(DamagedArchive):
            list(read_package(_archive(tmp_path, data[:length])))


@given(st.binary(max_size=80), st.integers(0, 3_000))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, noise: bytes, position: int) -> None:
    """A tar with any bytes written over any place gives files or DamagedArchive, nothing else."""
    plain = bytearray(gzip.decompress(tgz(FILES)))
    plain[position : position + len(noise)] = noise
    try:
        files = list(read_package(_archive(tmp_path, gzip.compress(bytes(plain), 1))))
    except DamagedArchive:
        return
    assert all(".." not in name.split("/") for name, _ in files)
