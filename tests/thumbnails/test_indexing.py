"""Thumbnails that are made while pictures are indexed."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.collection.paths import THUMBNAILS
from mitame.images.fingerprint import content_hash
from mitame.thumbnails.making import GRID_SIDES
from mitame.thumbnails.store import ThumbnailStore
from tests.conftest import Run
from tests.picture_site import picture_site
from tests.serving.item_server import picture

LENSES = {"color": "color"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures larger than all thumbnails, between two of them, and smaller than all."""
    made = tmp_path / "folder"
    made.mkdir()
    for number, size in enumerate([(900, 600), (300, 200), (20, 10)]):
        (made / f"{number}.jpg").write_bytes(picture(number, "JPEG", size))
    return made


def sizes(data: Path, file: bytes) -> set[tuple[int, int]]:
    """Of the thumbnails that are kept of a file."""
    store = ThumbnailStore(data / "shop" / THUMBNAILS)
    digest = content_hash(file)
    names = [f"{digest}-{side}-image/webp" for side in range(1, max(GRID_SIDES) + 1)]
    there = sorted(set(names) - set(store.missing(names)))
    found = [Image.open(io.BytesIO(store.find(name) or b"")) for name in there]
    store.close()
    assert all(each.format == "WEBP" for each in found)
    return {each.size for each in found}


def test_they_are_made_and_never_enlarged(tmp_path: Path, folder: Path) -> None:
    """One per size of the grid; one alone where the picture fits in several squares."""
    with mitame.open(tmp_path, "shop", lenses=LENSES) as shop:
        report = shop.index(folder, thumbnails_mb=100)
    assert report.thumbnails is not None
    assert (report.thumbnails.there, report.thumbnails.lacking) == (3, 0)
    large, middle, small = (file.read_bytes() for file in sorted(folder.iterdir()))
    assert sizes(tmp_path, large) == {(256, 171), (384, 256), (512, 341)}
    assert sizes(tmp_path, middle) == {(256, 171), (300, 200)}
    assert sizes(tmp_path, small) == {(20, 10)}


def test_none_are_made_by_default(tmp_path: Path, folder: Path) -> None:
    with mitame.open(tmp_path, "shop", lenses=LENSES) as shop:
        assert shop.index(folder).thumbnails is None
    assert not (tmp_path / "shop" / THUMBNAILS).exists()


def test_vectors_are_the_same(tmp_path: Path, folder: Path) -> None:
    """What a lens looks at does not depend on whether thumbnails are made."""
    found = []
    for name, wanted in (("with", 100), ("without", 0)):
        with mitame.open(tmp_path, name, lenses=LENSES) as shop:
            shop.index(folder, thumbnails_mb=wanted)
            found.append([shop.vectors(f"{number}.jpg") for number in range(3)])
    np.testing.assert_array_equal(found[0], found[1])


def test_items_of_before_get_theirs(tmp_path: Path, folder: Path) -> None:
    """Also where nothing has changed; what has gone from the disk is counted."""
    with mitame.open(tmp_path, "shop", lenses=LENSES) as shop:
        shop.index(folder)
        (folder / "2.jpg").unlink()
        shop.add("bare", vectors={"color": shop.vectors("0.jpg")[0]})
        report = shop.index(folder, thumbnails_mb=100)
        assert report.unchanged == 2
        assert report.thumbnails is not None
        assert (report.thumbnails.there, report.thumbnails.lacking) == (2, 1)
        again = shop.index(folder, thumbnails_mb=100)
        assert again.thumbnails == report.thumbnails


def test_pictures_in_archives_and_at_addresses(tmp_path: Path, folder: Path) -> None:
    """Both are at hand once; afterwards the thumbnails are all that can be shown."""
    shutil.make_archive(str(tmp_path / "scans"), "zip", folder)
    far = picture(9, size=(600, 400))
    with (
        picture_site() as site,
        mitame.open(tmp_path, "shop", lenses=LENSES, allow_private=True) as shop,
    ):
        address = site.put("/far.png", far)
        report = shop.index(tmp_path / "scans.zip", address, thumbnails_mb=100)
        assert len(site.asked) == 1
    assert report.thumbnails is not None
    assert report.thumbnails.lacking == 0
    assert len(sizes(tmp_path, (folder / "0.jpg").read_bytes())) == 3
    assert len(sizes(tmp_path, far)) == 3


def test_room_is_bounded(tmp_path: Path, folder: Path) -> None:
    """Beyond it pictures are indexed all the same."""
    with mitame.open(tmp_path, "shop", lenses=LENSES) as shop:
        report = shop.index(folder, thumbnails_mb=0.05)
        assert len(shop) == 3
    assert report.thumbnails is not None
    assert report.thumbnails.lacking


def test_a_broken_picture_is_refused_as_ever(tmp_path: Path, folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(picture(8, "JPEG", (600, 400))[:900])
    with mitame.open(tmp_path, "shop", lenses=LENSES) as shop:
        report = shop.index(folder, thumbnails_mb=100)
    assert (report.added, len(report.refused)) == (3, 1)
    assert report.thumbnails is not None
    assert report.thumbnails.there == 3


def test_the_command(run: Run, tmp_path: Path, folder: Path) -> None:
    """It says how many there are, and how many not."""
    where = ("--data", tmp_path, "--collection", "shop")
    made = run("index", folder, "--thumbnails", *where)
    assert made.returncode == 0, made.stderr
    assert "3 items have thumbnails" in made.stderr
    assert len(sizes(tmp_path, (folder / "0.jpg").read_bytes())) == 3
    (folder / "3.jpg").write_bytes(picture(3, "JPEG", (800, 800)))
    full = run("index", folder, "--thumbnails", "--thumbnails-mb", "0.01", *where)
    assert "3 items have thumbnails; 1 have none: no room" in full.stderr
