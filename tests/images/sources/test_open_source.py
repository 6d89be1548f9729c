"""One function for whatever somebody points at."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from mitame.errors import FetchRefused, MitameError, UnreadableFile, UsageError
from mitame.images import sources
from mitame.images.sources import (
    ArchiveSource,
    FolderSource,
    ManifestSource,
    PictureSource,
    UrlListSource,
    open_source,
)
from tests.images.sources.pictures import ids, offered, picture, refused, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One of each."""
    write(tmp_path, "pictures/mugs/1.png", "one.JPG", "looks like nothing", "odd.zip.png")
    for name in ("a.zip", "unnamed"):
        with zipfile.ZipFile(tmp_path / name, "w") as zipped:
            zipped.writestr("mugs/1.png", picture())
    (tmp_path / "m.CSV").write_text("image\none.JPG\n")
    (tmp_path / "urls.txt").write_text("https://shop.example/1.jpg\n")
    (tmp_path / "notes.md").write_text("words")
    (tmp_path / "empty").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("pictures", FolderSource, ["mugs/1.png"]),
        ("one.JPG", PictureSource, ["one.JPG"]),
        ("looks like nothing", PictureSource, ["looks like nothing"]),
        ("odd.zip.png", PictureSource, ["odd.zip.png"]),
        ("a.zip", ArchiveSource, ["mugs/1.png"]),
        ("unnamed", ArchiveSource, ["mugs/1.png"]),
        ("m.CSV", ManifestSource, ["one.JPG"]),
        ("urls.txt", UrlListSource, ["https://shop.example/1.jpg"]),
    ],
)
def test_the_right_source_is_chosen(folder: Path, name: str, kind: type, found: list[str]) -> None:
    """By what it is, then by its extension, then by its content."""
    for target in (folder / name, str(folder / name)):
        source = open_source(target)
        assert type(source) is kind
        assert ids(source) == found


@pytest.mark.parametrize("name", ["a.zip", "pictures", "one.JPG"])
def test_every_location_starts_with_the_root(folder: Path, name: str) -> None:
    """So that pruning knows what was looked at."""
    source = open_source(folder / name)
    assert all(candidate.location.startswith(source.root) for candidate in offered(source))


@pytest.mark.parametrize("name", ["m.CSV", "urls.txt"])
def test_lists_have_no_root_that_pruning_could_use(folder: Path, name: str) -> None:
    """What left a list may still be there."""
    source = open_source(folder / name)
    assert source.root
    assert not any(candidate.location.startswith(source.root) for candidate in offered(source))


def test_category_from_folder_reaches_folders_and_archives(folder: Path) -> None:
    """The same setting for both."""
    for name in ("pictures", "a.zip", "unnamed"):
        (candidate,) = offered(open_source(folder / name, category_from_folder=True))
        assert candidate.category == "mugs"


def test_a_manifest_may_be_allowed_outside(folder: Path, tmp_path: Path) -> None:
    """Files outside its folder are offered only when asked for."""
    write(tmp_path, "elsewhere/1.png")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "m.csv").write_text("image\n../elsewhere/1.png\n")
    assert ids(open_source(inner / "m.csv")) == []
    (refusal,) = refused(open_source(inner / "m.csv"))
    assert "--allow-outside" in refusal.error.line()
    found = offered(open_source(inner / "m.csv", allow_outside=True))
    assert [each.location for each in found] == [str(tmp_path / "elsewhere/1.png")]


def test_a_url_is_a_source() -> None:
    """Of one picture; its root is itself, and other schemes are refused."""
    source = open_source("https://shop.example/1.jpg")
    assert ids(source) == ["https://shop.example/1.jpg"] == [source.root]
    for url in ("ftp://shop.example/1.jpg", "s3://bucket/1.jpg", "http://127.1/"):
        with pytest.raises(FetchRefused):
            open_source(url)


def test_relative_paths_become_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locations must be the same from wherever they were indexed."""
    monkeypatch.chdir(folder / "pictures")
    for target in ("../one.JPG", "mugs", ".", "../a.zip", "../m.CSV"):
        for candidate in offered(open_source(target)):
            assert candidate.location.startswith(str(folder))
            assert ".." not in candidate.location


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing", UnreadableFile),
        ("missing.jpg", UnreadableFile),
        ("pipe.jpg", UnreadableFile),
        ("pipe", UnreadableFile),
        ("notes.md", UsageError),
        ("empty", UsageError),
    ],
)
def test_what_can_be_no_source_is_refused(
    folder: Path, name: str, error: type[MitameError]
) -> None:
    """With a message that names it and a remedy."""
    os.mkfifo(folder / "pipe.jpg")
    os.mkfifo(folder / "pipe")
    with pytest.raises(error) as caught:
        open_source(folder / name)
    assert name in caught.value.message
    assert caught.value.remedy


def test_public_names_are_there() -> None:
    """All of __all__, sorted."""
    assert sorted(sources.__all__) == sources.__all__
    assert all(hasattr(sources, name) for name in sources.__all__)
