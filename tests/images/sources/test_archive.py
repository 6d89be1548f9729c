"""Zip and tar archives: members read one by one, and never more than is allowed."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.errors import (
    DamagedArchive,
    ImageTooLarge,
    InvalidId,
    MitameError,
    UnreadableFile,
)
from mitame.images.candidate import Candidate
from mitame.images.limits import ImageLimits
from mitame.images.sources import ArchiveSource
from tests.images.sources.pictures import ids, offered, picture, refused

KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]
NAMES = ["a.png", "shoes/1.jpg", "shoes/red/2.PNG", "見た目.webp"]


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, data in members.items():
                zipped.writestr(name, data)
        return path
    with tarfile.open(path, f"w:{path.suffix[1:].replace('tar', '')}") as tar:  # type: ignore[call-overload] # the mode is made up
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def pictures(*names: str) -> dict[str, bytes]:
    return {name: picture(seed) for seed, name in enumerate(names)}


@pytest.mark.parametrize("kind", KINDS)
def test_members_come_with_what_is_known_of_them(tmp_path: Path, kind: str) -> None:
    """Id, location, size, category and bytes; other files and hidden ones are passed over."""
    members = pictures(*NAMES)
    others = {"notes.txt": b"x", ".x.png": b"x", "__MACOSX/._a.png": b"x", "folder.png/": b""}
    path = packed(tmp_path / f"shop.{kind}", {**members, **others})
    source = ArchiveSource(path, category_from_folder=True)
    found = offered(source)
    assert [c.id for c in found] == NAMES
    assert not refused(source)
    assert source.countable == (kind in ("zip", "tar"))
    for candidate in found:
        assert candidate.read() == members[candidate.id]
        assert candidate.read() == members[candidate.id]
        assert candidate.location == f"{path}!{candidate.id}"
        assert candidate.location.startswith(source.root)
        assert candidate.size == len(members[candidate.id])
        assert candidate.modified_ns == path.stat().st_mtime_ns
    assert [c.category for c in found] == [None, "shoes", "red", None]


@pytest.mark.parametrize("kind", KINDS)
def test_members_can_be_read_from_many_threads(tmp_path: Path, kind: str) -> None:
    """In any order, after the walk is over."""
    members = pictures(*(f"{i:03}.png" for i in range(40)))
    found = offered(ArchiveSource(packed(tmp_path / f"a.{kind}", members)))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda candidate: candidate.read(), reversed(found * 3)))
    assert read == [members[candidate.id] for candidate in reversed(found * 3)]


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_lead_out_are_refused(tmp_path: Path, kind: str) -> None:
    """Absolute names, parents, drives and backslashes; a leading ./ is none of them."""
    bad = ["/abs.png", "../up.png", "a/../../up.png", "C:/drive.png"]
    if kind != "zip":  # the zipfile module writes a slash for it where it can
        bad.append("back\\slash.png")
    source = ArchiveSource(packed(tmp_path / f"a.{kind}", pictures("./good.png", *bad)))
    assert ids(source) == ["good.png"]
    found = refused(source)
    assert sorted(refusal.location for refusal in found) == sorted(source.root + n for n in bad)
    assert all("leads out" in refusal.error.message for refusal in found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_over_the_limit_is_refused_and_the_next_is_not(tmp_path: Path, kind: str) -> None:
    """By the size that the archive declares, before anything is unpacked."""
    members = {"big.png": bytes(5_000), "good.png": picture()}
    path = packed(tmp_path / f"a.{kind}", members)
    source = ArchiveSource(path, limits=ImageLimits(max_bytes=4_999))
    assert ids(source) == ["good.png"]
    (refusal,) = refused(source)
    assert isinstance(refusal.error, ImageTooLarge)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_unpacks_to_too_much_ends(tmp_path: Path, kind: str) -> None:
    """The sum over all members is bounded as well as each."""
    members = {f"{i}.png": bytes(40_000) for i in range(10)}
    source = ArchiveSource(
        packed(tmp_path / f"a.{kind}", members), limits=ImageLimits(max_archive_bytes=100_000)
    )
    found = list(source)
    if kind == "tar":  # nothing in it is larger than it looks
        assert len(offered(source)) == 10
        return
    assert 1 <= len(offered(source)) <= 2
    assert not isinstance(found[-1], Candidate)
    assert "unpacks to more" in found[-1].error.message


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_members_end_it(tmp_path: Path, kind: str) -> None:
    """The directory of a zip is refused before it is loaded; a tar after so many members."""
    path = packed(tmp_path / f"a.{kind}", pictures(*(f"{i}.png" for i in range(6))))
    source = ArchiveSource(path, limits=ImageLimits(max_members=5))
    if kind == "zip":
        with pytest.raises(DamagedArchive, match="more than 5 members"):
            list(source)
    else:
        assert len(offered(source)) == 5
        assert "more than 5 members" in refused(source)[0].error.message


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_gives_right_bytes_or_typed_errors(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    """Cut off or changed anywhere: no other exception, and no wrong size."""
    members = pictures("a.png", "b.png", "c.png")
    path = packed(tmp_path_factory.mktemp("damaged") / f"a.{kind}", members)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(content)
    with suppress(MitameError):
        for candidate in offered(ArchiveSource(path, limits=ImageLimits(max_bytes=100_000))):
            with suppress(MitameError):
                assert len(candidate.read()) == candidate.size


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_archive_says_so(tmp_path: Path, kind: str) -> None:
    """Half an archive is never taken for a whole one."""
    path = packed(tmp_path / f"a.{kind}", pictures(*(f"{i}.png" for i in range(20))))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = ArchiveSource(path)
    if kind == "zip":
        with pytest.raises(DamagedArchive, match="cut off"):
            list(source)
    else:
        assert len(offered(source)) < 20
        assert isinstance(refused(source)[-1].error, DamagedArchive)


def test_a_tar_cut_between_members_says_so(tmp_path: Path) -> None:
    """The end of a tar is marked; where the mark is missing, members may be too."""
    path = packed(tmp_path / "a.tar", pictures("a.png"))
    size = len(picture())
    path.write_bytes(path.read_bytes()[: 512 + (size + 511) // 512 * 512])
    source = ArchiveSource(path)
    assert ids(source) == ["a.png"]
    assert "cut off" in refused(source)[0].error.message


def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path) -> None:
    """Whatever they lead to is not read."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"{kind.decode()}.png")
            info.type, info.linkname = kind, "/etc/hostname"
            tar.addfile(info)
    source = ArchiveSource(path)
    assert not offered(source)
    assert ["link or a device" in r.error.message for r in refused(source)] == [True] * 4


def test_members_of_a_zip_that_are_no_plain_files_are_refused(tmp_path: Path) -> None:
    """Encrypted, a link, compressed by LZMA, or there twice."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        zipped.writestr(link, "/etc/hostname")
        zipped.writestr("lzma.png", picture(), zipfile.ZIP_LZMA)
        zipped.writestr("twice.png", picture(1))
        with pytest.warns(UserWarning, match="Duplicate"):
            zipped.writestr("twice.png", picture(2))
        zipped.writestr("locked.png", picture())
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"locked.png") - 46
    data[entry + 8] |= 1
    path.write_bytes(data)
    source = ArchiveSource(path)
    assert ids(source) == ["twice.png"]
    reasons = {r.location.rpartition("!")[2]: r.error.message for r in refused(source)}
    assert "encrypted" in reasons["locked.png"]
    assert "link" in reasons["link.png"]
    assert "method 14" in reasons["lzma.png"]
    assert "twice" in reasons["twice.png"]


def test_a_zip_that_lies_about_a_size_is_damaged(tmp_path: Path) -> None:
    """The checksum of what was declared can't be right, and no more than that is unpacked."""
    path = packed(tmp_path / "a.zip", {"a.png": bytes(100_000)})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 1_000)
    path.write_bytes(data)
    (candidate,) = offered(ArchiveSource(path))
    with pytest.raises(DamagedArchive):
        candidate.read()


def test_the_number_of_entries_of_a_zip_may_not_be_a_lie(tmp_path: Path) -> None:
    """The length of the directory is what counts: the module would load all of it."""
    path = packed(tmp_path / "a.zip", pictures(*(f"{'x' * 180}{i}.png" for i in range(40))))
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    path.write_bytes(data)
    with pytest.raises(DamagedArchive, match="more than 5 members"):
        list(ArchiveSource(path, limits=ImageLimits(max_members=5)))


def test_a_long_extended_header_is_not_loaded(tmp_path: Path) -> None:
    """The tarfile module would read all of a header that says it has a gigabyte."""
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "a.tar.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        file.write(packer.compress(info.tobuf(tarfile.USTAR_FORMAT)))
        file.write(packer.compress(bytes(1 << 20)))
        file.write(packer.flush())
    (refusal,) = refused(ArchiveSource(path))
    assert "header of 1,073,741,824 bytes" in refusal.error.message


def test_an_xz_stream_may_not_claim_gigabytes(tmp_path: Path) -> None:
    """A dictionary of 1.5 GiB is refused by its header, before the decoder claims it."""
    path = packed(tmp_path / "a.tar.xz", pictures("a.png"))
    data = bytearray(path.read_bytes())
    length = (data[12] + 1) * 4  # block header: after the stream header of 12 bytes
    filter_at = data.index(b"\x21\x01", 12)
    data[filter_at + 2] = 37
    data[12 + length - 4 : 12 + length] = struct.pack("<I", zlib.crc32(data[12 : 12 + length - 4]))
    path.write_bytes(data)
    (refusal,) = refused(ArchiveSource(path))
    assert "emory" in refusal.error.message


def test_streams_behind_each_other_are_one_archive(tmp_path: Path) -> None:
    """As parallel packers write them."""
    import lzma

    plain = packed(tmp_path / "a.tar", pictures("a.png", "b.png")).read_bytes()
    path = tmp_path / "b.tar.xz"
    path.write_bytes(lzma.compress(plain[:700]) + b"\0" * 4 + lzma.compress(plain[700:]))
    assert ids(ArchiveSource(path)) == ["a.png", "b.png"]
    assert not refused(ArchiveSource(path))


def test_names_that_can_be_no_id_are_refused(tmp_path: Path) -> None:
    """Undecodable bytes and control characters, in a tar."""
    path = packed(tmp_path / "a.tar", pictures(os.fsdecode(b"raw\xff.png"), "tab\t.png"))
    found = refused(ArchiveSource(path))
    assert [type(refusal.error) for refusal in found] == [InvalidId, InvalidId]
    assert [refusal.location.encode() for refusal in found]


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.zip", b"PK\x03\x04"), ("a.tgz", b"\x1f\x8b"), ("a.tar", b""), ("b", b"?")],
)
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, name: str, data: bytes) -> None:
    """A typed error or a refusal; a missing file is refused at once."""
    (tmp_path / name).write_bytes(data)
    errors: list[MitameError] = []
    try:
        errors = [refusal.error for refusal in refused(ArchiveSource(tmp_path / name))]
    except DamagedArchive as error:
        errors = [error]
    assert [type(error) for error in errors] == [DamagedArchive]
    with pytest.raises(UnreadableFile):
        ArchiveSource(tmp_path / "missing.zip")


def test_zip64_directories_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts beyond 65,535 stand in another record, which is checked too."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    path = packed(tmp_path / "a.zip", pictures(*(f"{i}.png" for i in range(8))))
    assert b"PK\x06\x06" in path.read_bytes()
    assert len(ids(ArchiveSource(path))) == 8
    with pytest.raises(DamagedArchive, match="more than 7 members"):
        list(ArchiveSource(path, limits=ImageLimits(max_members=7)))
