"""Folders: what is offered, under which id, and what can't stop the walk."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.errors import ImageTooLarge, InvalidId, UnreadableFile
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import ImageLimits
from mitame.images.sources import FolderSource, PictureSource, read_file
from tests.images.sources.pictures import ids, offered, picture, refused, write

NAMES = ["a.png", "a/1.PNG", "a/2.jpeg", "a/b/3.webp", "b.jpg/4.tif", "z.heic"]


def test_pictures_come_sorted_with_what_is_known_of_them(tmp_path: Path) -> None:
    """Id, location, size and time are those of the file; reading gives its bytes."""
    write(tmp_path, *reversed(NAMES), "notes.txt", ".hidden.png", ".git/x.png", "a/.b/y.png")
    source = FolderSource(tmp_path)
    found = offered(source)
    assert [candidate.id for candidate in found] == NAMES
    assert source.skipped == 1
    assert source.countable
    for candidate in found:
        path = tmp_path / candidate.id
        assert candidate.location == str(path)
        assert candidate.location.startswith(source.root)
        assert candidate.read() == path.read_bytes()
        assert candidate.size == path.stat().st_size
        assert candidate.modified_ns == path.stat().st_mtime_ns
        assert candidate.category is None
        assert not candidate.named


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "a-b", "a b", "é"]), min_size=1, max_size=3).map("/".join)
)
def test_the_order_is_that_of_the_paths(
    tmp_path_factory: pytest.TempPathFactory, where: str
) -> None:
    """Whatever folders there are, ids come sorted as strings."""
    folder = tmp_path_factory.mktemp("order")
    write(folder, f"{where}/x.png", f"{where}.png", "a/y.png", "a-b/y.png", "a.png", "b/a/z.png")
    found = ids(FolderSource(folder))
    assert found == sorted(found)
    assert len(found) == len({f"{where}/x.png", f"{where}.png", *_OTHERS})


_OTHERS = ("a/y.png", "a-b/y.png", "a.png", "b/a/z.png")


def test_category_is_the_folder_that_holds_the_file(tmp_path: Path) -> None:
    """The nearest folder, not the first; none at the top."""
    write(tmp_path, "top.png", "shoes/1.png", "shoes/red/2.png")
    source = FolderSource(tmp_path, category_from_folder=True)
    assert {c.id: c.category for c in offered(source)} == {
        "top.png": None,
        "shoes/1.png": "shoes",
        "shoes/red/2.png": "red",
    }


def test_links_are_followed_once(tmp_path: Path) -> None:
    """Loops end; a folder inside is walked under its own name only, one outside once."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    write(inside, "real/1.png", ".secret/2.png")
    write(outside, "3.png")
    (inside / "again").symlink_to(inside / "real", target_is_directory=True)
    (inside / "real" / "up").symlink_to(inside, target_is_directory=True)
    (inside / "other").symlink_to(outside, target_is_directory=True)
    (inside / "other2").symlink_to(outside, target_is_directory=True)
    (outside / "back").symlink_to(inside, target_is_directory=True)
    (inside / "shown").symlink_to(inside / ".secret", target_is_directory=True)
    (inside / "file.png").symlink_to(outside / "3.png")
    assert ids(FolderSource(inside)) == ["file.png", "other/3.png", "real/1.png", "shown/2.png"]


def test_what_is_no_file_is_refused_and_never_opened(tmp_path: Path) -> None:
    """A pipe would block whoever opens it, and a socket can't be; both are named."""
    write(tmp_path, "good.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "null.png").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(tmp_path)  # a socket's path must be short
        listening.bind("socket.png")
        os.chdir(before)
        source = FolderSource(tmp_path)
        assert ids(source) == ["good.png"]
        reasons = {Path(r.location).name: r.error for r in refused(source)}
    assert all(isinstance(error, UnreadableFile) for error in reasons.values())
    assert "named pipe" in reasons["pipe.png"].message
    assert "socket" in reasons["socket.png"].message
    assert "device" in reasons["null.png"].message
    assert set(reasons) == {"pipe.png", "socket.png", "null.png", "broken.png", "loop.png"}


def test_a_pipe_that_takes_a_files_place_does_not_block(tmp_path: Path) -> None:
    """The file is looked at again when it is read."""
    write(tmp_path, "a.png")
    (candidate,) = offered(FolderSource(tmp_path))
    (tmp_path / "a.png").unlink()
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UnreadableFile, match="named pipe"):
        candidate.read()
    (tmp_path / "a.png").unlink()
    with pytest.raises(UnreadableFile, match=r"a\.png"):
        candidate.read()


def test_names_that_can_be_no_id_are_refused(tmp_path: Path) -> None:
    """Control characters and undecodable bytes: refused, with a location that can be printed."""
    write(tmp_path, "good.png")
    (tmp_path / "new\nline.png").write_bytes(picture())
    (tmp_path / os.fsdecode(b"raw\xff.png")).write_bytes(picture())
    source = FolderSource(tmp_path)
    assert ids(source) == ["good.png"]
    found = refused(source)
    assert [type(refusal.error) for refusal in found] == [InvalidId, InvalidId]
    assert found[1].location == f"{tmp_path}/raw\\xff.png"
    for refusal in found:
        refusal.location.encode()


def test_a_folder_that_cannot_be_named_refuses_its_files(tmp_path: Path) -> None:
    """Ids would be fine, but locations could not be stored."""
    folder = tmp_path / os.fsdecode(b"raw\xff")
    write(folder, "good.png")
    (refusal,) = list(FolderSource(folder))
    assert not isinstance(refusal, Candidate)
    refusal.location.encode()


def test_a_folder_that_cannot_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is walked. Permissions do not bind root, so the system's answer is played."""
    write(tmp_path, "a/1.png", "b/2.png")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("a/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    source = FolderSource(tmp_path)
    assert ids(source) == ["b/2.png"]
    (refusal,) = refused(source)
    assert "Permission denied" in refusal.error.message


def test_messages_cannot_steer_a_terminal(tmp_path: Path) -> None:
    """Control characters and turned text in a path are escaped in messages, not in locations."""
    name = "a\x1b[31m\n\u202eb.png"
    with pytest.raises(UnreadableFile) as found:
        PictureSource(tmp_path / name)
    assert "a\\x1b[31m\\n\\u202eb.png" in found.value.message
    folder = tmp_path / "見 た\tb"
    write(folder, "1.png")
    (candidate,) = offered(FolderSource(folder))
    assert candidate.location == str(folder / "1.png")


def test_a_refusal_keeps_no_picture(tmp_path: Path) -> None:
    """The frames that an error went through hold bytes; a listed refusal has let go of them."""
    try:
        try:
            int("x")
        except ValueError as error:
            raise UnreadableFile("no") from error
    except UnreadableFile as error:
        refusal = Refused(str(tmp_path), error)
    held = refusal.error
    assert (held.__traceback__, held.__cause__, held.__context__) == (None, None, None)


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    """Also when the file has grown since it was offered, or says that it is shorter."""
    write(tmp_path, "a.png")
    size = (tmp_path / "a.png").stat().st_size
    (candidate,) = offered(FolderSource(tmp_path, limits=ImageLimits(max_bytes=size)))
    assert len(candidate.read()) == size
    with (tmp_path / "a.png").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ImageTooLarge):
        candidate.read()
    endless = Path("/proc/self/environ")
    if endless.exists():  # says that it has no bytes
        with pytest.raises(ImageTooLarge):
            read_file(endless, ImageLimits(max_bytes=10))


def test_a_single_picture_is_a_source(tmp_path: Path) -> None:
    """Its id is its name; a missing one is refused at once."""
    write(tmp_path, "a.png")
    source = PictureSource(tmp_path / "a.png")
    (candidate,) = offered(source)
    assert (candidate.id, candidate.location) == ("a.png", str(tmp_path / "a.png"))
    assert candidate.location.startswith(source.root)
    assert source.countable
    with pytest.raises(UnreadableFile):
        PictureSource(tmp_path / "b.png")
    with pytest.raises(UnreadableFile):
        FolderSource(tmp_path / "a.png")
    with pytest.raises(UnreadableFile, match="a folder"):
        read_file(tmp_path)
