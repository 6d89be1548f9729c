"""Small copies of pictures at addresses elsewhere, made while they are indexed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mitame
from mitame.collection.paths import COPIES
from mitame.errors import ImageError
from mitame.images.fingerprint import content_hash
from mitame.thumbnails.store import ThumbnailStore
from tests.conftest import Run
from tests.picture_site import PictureSite, picture_site
from tests.serving.item_server import picture


@pytest.fixture
def site() -> Iterator[PictureSite]:
    with picture_site() as running:
        yield running


def opened(data: Path, **settings: Any) -> mitame.Collection:
    return mitame.open(data, "shop", lenses={"color": "color"}, allow_private=True, **settings)


def copy(data: Path, file: bytes) -> Image.Image | None:
    """The copy of a picture's file that is kept."""
    store = ThumbnailStore(data / "shop" / COPIES)
    found = store.find(content_hash(file))
    store.close()
    return None if found is None else Image.open(io.BytesIO(found))


def manifest(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_pictures_of_a_manifest_and_of_a_list_are_copied(tmp_path: Path, site: PictureSite) -> None:
    """Those at addresses, and they alone: a file that lies here can be read again."""
    far, listed, near = picture(1, size=(900, 300)), picture(2), picture(3)
    (tmp_path / "near.png").write_bytes(near)
    rows = ({"id": "far", "image": site.put("/far.png", far)}, {"id": "near", "image": "near.png"})
    urls = tmp_path / "urls.txt"
    urls.write_text(site.put("/listed.png", listed) + "\n")
    with opened(tmp_path) as shop:
        assert shop.index(manifest(tmp_path, *rows), urls).added == 3
    kept = copy(tmp_path, far)
    assert kept is not None
    assert (kept.format, kept.size) == ("WEBP", (512, 171))
    small = copy(tmp_path, listed)
    assert small is not None
    assert small.size == (24, 16)  # never enlarged
    assert copy(tmp_path, near) is None


def test_nothing_is_kept_where_nobody_wants_it(tmp_path: Path, site: PictureSite) -> None:
    """The setting 0: the same items, no file."""
    with opened(tmp_path, copies_mb=0) as shop:
        assert shop.index(site.put("/a.png", picture(1))).added == 1
        shop.add("b", image=site.put("/b.png", picture(2)))
    assert not (tmp_path / "shop" / COPIES).exists()


@pytest.mark.parametrize("wrong", [-1, True, "2000", float("nan")])
def test_a_bound_that_is_none_is_refused(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(mitame.errors.UsageError, match="copies_mb"):
        opened(tmp_path, copies_mb=wrong)


def test_indexing_again_copies_what_has_no_copy(tmp_path: Path, site: PictureSite) -> None:
    """Items of before: their pictures are asked for anyway, and need no new vectors."""
    file = picture(4)
    address = site.put("/a.png", file)
    with opened(tmp_path, copies_mb=0) as shop:
        shop.index(address)
    with opened(tmp_path) as shop:
        again = shop.index(address)
        assert (again.added, again.touched) == (0, 1)
    assert copy(tmp_path, file) is not None


def test_the_oldest_leave(tmp_path: Path, site: PictureSite) -> None:
    """The store has a bound, in indexing, too."""
    files = [picture(seed, size=(200, 200)) for seed in range(6)]
    with opened(tmp_path, copies_mb=0.1) as shop:
        for number, file in enumerate(files):
            shop.index(site.put(f"/{number}.png", file))
        assert len(shop) == 6
    assert copy(tmp_path, files[0]) is None
    assert copy(tmp_path, files[-1]) is not None


def test_a_broken_picture_leaves_none(tmp_path: Path, site: PictureSite) -> None:
    """It is refused as before, and the others are there."""
    good, broken = picture(1), picture(2)[:200]
    rows = [{"id": "good", "image": site.put("/good.png", good)}]
    rows += [{"id": "broken", "image": site.put("/broken.png", broken)}]
    with opened(tmp_path) as shop:
        report = shop.index(manifest(tmp_path, *rows))
        assert (report.added, len(report.refused)) == (1, 1)
    assert copy(tmp_path, good) is not None
    assert copy(tmp_path, broken) is None


def test_what_is_added_is_copied(tmp_path: Path, site: PictureSite) -> None:
    """By address or as bytes; of a file that lies here, and where one picture fails, nothing."""
    far, bytes_, near, lost = picture(1), picture(2), picture(3), picture(4)
    (tmp_path / "near.png").write_bytes(near)
    with opened(tmp_path) as shop:
        shop.add("far", image=site.put("/far.png", far))
        shop.add("bytes", image=bytes_)
        shop.add("near", image=tmp_path / "near.png")
        with pytest.raises(ImageError):
            shop.add("half", images=[site.put("/lost.png", lost), b"no picture"])
    assert copy(tmp_path, far) is not None
    assert copy(tmp_path, bytes_) is not None
    assert copy(tmp_path, near) is None
    assert copy(tmp_path, lost) is None


def test_filling_a_lens_copies_too(tmp_path: Path, site: PictureSite) -> None:
    """A new lens fetches every picture again: so they are at hand."""
    file = picture(5)
    with opened(tmp_path, copies_mb=0) as shop:
        shop.index(site.put("/a.png", file))
    with opened(tmp_path) as shop:
        assert shop.add_lens("colour", "color").filled == 1
    assert copy(tmp_path, file) is not None


def test_a_store_that_can_not_be_written_stops_nobody(tmp_path: Path, site: PictureSite) -> None:
    """Items are worth more than their copies."""
    with opened(tmp_path) as shop:
        (tmp_path / "shop" / COPIES).write_bytes(b"no database at all" * 100)
        assert shop.index(site.put("/a.png", picture(1))).added == 1


def test_the_commands_take_the_bound(run: Run, tmp_path: Path, site: PictureSite) -> None:
    """``index`` and ``add``, the latter also where it makes the collection."""
    files = [picture(seed) for seed in range(4)]
    addresses = [site.put(f"/{number}.png", file) for number, file in enumerate(files)]
    common = ("--data", tmp_path, "--collection", "shop", "--allow-private")
    wanted = ("none", "one", "indexed", "left")
    none = run("add", wanted[0], addresses[0], *common, "--copies-mb", "0")
    assert none.returncode == 0, none.stderr
    assert not (tmp_path / "shop" / COPIES).exists()
    assert run("drop", "shop", "--yes", "--data", tmp_path).returncode == 0
    assert run("add", wanted[1], addresses[1], *common).returncode == 0
    assert run("index", addresses[2], *common).returncode == 0
    assert run("index", addresses[3], *common, "--copies-mb", "0").returncode == 0
    found = [copy(tmp_path, file) is not None for file in files]
    assert found == [False, True, True, False]
