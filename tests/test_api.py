"""The Python door, on real pictures and the real network."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.errors import (
    CollectionNotFound,
    InvalidId,
    InvalidVector,
    ItemExists,
    ItemNotFound,
    NotAnImage,
    UnknownLens,
    UsageError,
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[mitame.Collection]:
    with mitame.open(tmp_path / "data", "shop") as shop:
        yield shop


@pytest.fixture
def mugs(catalogue: Path) -> list[Path]:
    return sorted((catalogue / "mug").glob("*.jpg"))


def test_the_example_of_the_front_page(
    shop: mitame.Collection, catalogue: Path, mugs: list[Path]
) -> None:
    """Add, search by picture under a filter, ask for what is similar: as the docstring shows."""
    shop.add("sku-1", image=mugs[0], category="mug", attributes={"price": 1200})
    shop.add("sku-2", image=mugs[1], category="mug", attributes={"price": 9000})
    shop.add("hat-1", image=next((catalogue / "hat").glob("*.jpg")), category="hat")
    answer = shop.search(image=mugs[0], limit=10, where="category=mug")
    assert [each.id for each in answer.neighbors] == ["sku-1", "sku-2"]
    assert answer.neighbors[0].score > 0.999
    assert answer.neighbors[0].match == "same"
    assert answer.neighbors[0].attributes == {"price": 1200}
    similar = shop.similar("sku-1")
    assert similar.neighbors[0].id == "sku-2"
    assert "sku-1" not in [each.id for each in similar.neighbors]
    assert [each.id for each in shop.similar("sku-1", where="price>5000").neighbors] == ["sku-2"]


def test_every_form_of_a_picture_is_the_same_picture(
    shop: mitame.Collection, mugs: list[Path]
) -> None:
    """Path, text path, bytes, open file and pixels give one vector."""
    data = mugs[0].read_bytes()
    pixels = np.asarray(Image.open(mugs[0]).convert("RGB"))
    vectors = [shop.embed(each) for each in (mugs[0], str(mugs[0]), data, io.BytesIO(data))]
    for vector in vectors[1:]:
        np.testing.assert_array_equal(vector, vectors[0])
    # Pillow smooths colours between samples, which our decoder leaves out for a smaller picture.
    assert shop.embed(pixels) @ vectors[0] > 0.99


def test_an_item_with_several_images_is_listed_once_with_its_best(
    shop: mitame.Collection, catalogue: Path, mugs: list[Path]
) -> None:
    """One item, two images: each of them finds it, and says which one matched."""
    hat = next((catalogue / "hat").glob("*.jpg"))
    shop.add("both", images=[mugs[0], hat])
    shop.add("other", image=mugs[2])
    for asked in (mugs[0], hat):
        answer = shop.search(image=asked)
        assert [each.id for each in answer.neighbors].count("both") == 1
        best = answer.neighbors[0]
        assert best.id == "both"
        assert best.image is not None
        assert best.image.source == str(asked)


def test_a_write_is_seen_by_another_opening_at_once(tmp_path: Path, mugs: list[Path]) -> None:
    """Two openings of one collection see each other's writes at the next call."""
    with mitame.open(tmp_path, "c") as one, mitame.open(tmp_path, "c") as two:
        one.add("a", image=mugs[0])
        assert "a" in two
        assert [each.id for each in two.search(image=mugs[0]).neighbors] == ["a"]
        two.remove("a")
        assert "a" not in one
        assert one.search(image=mugs[0]).neighbors == ()


def test_update_keeps_the_vectors(shop: mitame.Collection, mugs: list[Path]) -> None:
    """Category and attributes change alone or together; the image stays."""
    shop.add("a", image=mugs[0], category="mug", attributes={"price": 1})
    before = shop.vectors("a")
    shop.update("a", category="cup")
    shop.update("a", attributes={"price": 2})
    item = shop.get("a")
    assert item is not None
    assert (item.category, item.attributes) == ("cup", {"price": 2})
    np.testing.assert_array_equal(shop.vectors("a"), before)
    shop.update("a", category=None)
    assert shop.count("category=cup") == 0


def test_vectors_of_ones_own(tmp_path: Path) -> None:
    """A collection without an embedder answers for the user's own vectors."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 8)).astype(np.float32)
    with mitame.open(tmp_path, "own", lenses={"v": "vectors:8:euclidean"}) as own:
        for number, row in enumerate(rows):
            own.add(number, vector=row)
        answer = own.search(vector=rows[7], limit=3)
        truth = np.argsort(np.linalg.norm(rows - rows[7], axis=1))[:3]
        assert [each.id for each in answer.neighbors] == [str(each) for each in truth]
        assert answer.neighbors[0].distance == 0
        with pytest.raises(UsageError, match="no embedder"):
            own.search(image=b"...")
        with pytest.raises(InvalidVector):
            own.add("bad", vector=[1, 2, 3])
        with pytest.raises(InvalidVector):
            own.add("bad", vector=[np.nan] * 8)
        assert "bad" not in own


def test_integers_keep_their_form(tmp_path: Path) -> None:
    """7 is "7", and "007" stays what it is."""
    with mitame.open(tmp_path, "own", lenses={"v": "vectors:2"}) as own:
        own.add(7, vector=[1, 0])
        own.add("007", vector=[0, 1])
        assert [item.id for item in own.items()] == ["007", "7"]
        assert 7 in own
        assert own.get(7) is not None


def test_a_refused_add_changes_nothing(shop: mitame.Collection, mugs: list[Path]) -> None:
    """Whatever is wrong with the new item, the old one stays as it was."""
    shop.add("a", image=mugs[0], category="mug")
    before = shop.get("a")
    with pytest.raises(NotAnImage):
        shop.add("a", image=b"<html>")
    with pytest.raises(UsageError):
        shop.add("a")
    with pytest.raises(UsageError):
        shop.add("a", image=mugs[0], vector=[1.0])
    with pytest.raises(UsageError):
        shop.add("a", image=mugs[0], attributes={"x": object()})
    with pytest.raises(ItemExists):
        shop.add("a", image=mugs[1], replace=False)
    with pytest.raises(InvalidId):
        shop.add("", image=mugs[0])
    with pytest.raises(InvalidId):
        shop.add("a\x00b", image=mugs[0])
    assert shop.get("a") == before
    assert len(shop) == 1


def test_what_is_not_there_is_said(shop: mitame.Collection, tmp_path: Path) -> None:
    """Unknown item, lens and collection are errors of their own kind."""
    with pytest.raises(ItemNotFound):
        shop.similar("nobody")
    with pytest.raises(ItemNotFound):
        shop.remove("nobody")
    with pytest.raises(ItemNotFound):
        shop.update("nobody", category="x")
    assert shop.get("nobody") is None
    with pytest.raises(UnknownLens) as caught:
        shop.search(vector=[1.0], lens="smell")
    assert "choose from: look, color" in caught.value.line()
    with pytest.raises(CollectionNotFound):
        mitame.open(tmp_path / "data", "absent", create=False)
    assert not (tmp_path / "data" / "absent").exists()


def test_a_second_lens_answers_for_itself(data: Path, catalogue: Path) -> None:
    """`look` finds more of the same kind than `color`, `color` more of the same colour.

    A drawn picture's name says both: ``mug/mug-red-stripes-1.jpg``.
    """
    asked = sorted(catalogue.glob("*/*.jpg"))[::8]
    same = {"look": [0, 0], "color": [0, 0]}
    with mitame.open(data, create=False) as shop:
        for picture in asked:
            wanted = picture.stem.split("-")[:2]
            for lens, counts in same.items():
                item = f"{picture.parent.name}/{picture.name}"
                for each in shop.similar(item, limit=3, lens=lens).neighbors:
                    parts = Path(each.id).stem.split("-")
                    counts[0] += parts[0] == wanted[0]
                    counts[1] += parts[1] == wanted[1]
    assert same["look"][0] > 1.5 * same["color"][0]
    assert same["color"][1] > 1.5 * same["look"][1]


def test_threads_write_and_read_at_once(tmp_path: Path) -> None:
    """One collection object, several threads: every write is there, no read errs."""
    errors: list[BaseException] = []
    with mitame.open(tmp_path, "own", lenses={"v": "vectors:4"}) as own:

        def write(thread: int) -> None:
            try:
                for number in range(20):
                    own.add(f"{thread}-{number}", vector=np.eye(4)[number % 4])
                    own.search(vector=[1, 0, 0, 0], limit=5)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(each,)) for each in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert errors == []
        assert len(own) == 80
        assert own.check() == []


def test_no_reliable_match_is_said(shop: mitame.Collection, mugs: list[Path]) -> None:
    """Noise looks like nothing: the answer says so instead of pretending."""
    shop.add("a", image=mugs[0])
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    answer = shop.search(image=noise)
    assert not answer.reliable
    assert shop.search(image=mugs[0]).reliable
