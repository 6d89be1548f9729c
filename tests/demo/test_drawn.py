"""The drawn catalogue: the same every time, and what it says it is."""

from __future__ import annotations

import hashlib
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mitame.demo import drawn
from mitame.demo.drawn import KINDS, SHAPES, draw, draw_catalogue
from mitame.demo.painting import View, paint
from mitame.demo.patterns import COLOURS, PATTERNS
from mitame.errors import StorageError, UsageError

STRAIGHT = View(1.0, 0.0, False, (0.0, 0.0), (246, 244, 240), lying=True)


def _pixels(kind: str, colour: str = "blue", pattern: str = "plain") -> np.ndarray:
    parts = SHAPES[kind](lambda low, high: (low + high) / 2)
    picture = paint(parts, STRAIGHT, colour=colour, pattern=pattern, spacing=0.1, size=64)
    return np.asarray(picture).astype(int)


def _changed(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels that differ plainly."""
    return float((np.abs(one - other).max(axis=2) > 24).mean())


def _digest(folder: Path) -> str:
    files = sorted(folder.rglob("*.jpg"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def test_the_same_arguments_give_the_same_files(tmp_path: Path) -> None:
    """Two runs agree in every byte, and in everything but the folder of their items."""
    first = draw_catalogue(tmp_path / "a", count=30, seed=7, size=64)
    second = draw_catalogue(tmp_path / "b", count=30, seed=7, size=64)
    assert _digest(tmp_path / "a") == _digest(tmp_path / "b")
    assert [(i.id, i.price) for i in first] == [(i.id, i.price) for i in second]


def test_another_seed_gives_other_designs(tmp_path: Path) -> None:
    """The seed reaches the choice of designs."""
    first = draw_catalogue(tmp_path / "a", count=20, seed=0, size=16)
    second = draw_catalogue(tmp_path / "b", count=20, seed=1, size=16)
    assert {i.id for i in first} != {i.id for i in second}


def test_files_are_where_and_what_the_items_say(tmp_path: Path) -> None:
    """Paths follow KIND/KIND-COLOUR-PATTERN-N.jpg and hold square JPEGs of the size asked for."""
    items = draw_catalogue(tmp_path, count=45, size=48)
    assert len({item.id for item in items}) == len(items) == len(list(tmp_path.rglob("*.*")))
    for item in items:
        assert item.path.parent == tmp_path / item.kind
        assert re.fullmatch(f"{item.kind}-{item.colour}-{item.pattern}-[12]", item.id)
        assert item.path.stem == item.id
        with Image.open(item.path) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", (48, 48), "RGB")


def test_kinds_take_turns_and_designs_come_in_pairs(tmp_path: Path) -> None:
    """Each kind is there twice among the first forty: one design seen two ways, at one price."""
    items = draw_catalogue(tmp_path, count=2 * len(KINDS), size=16)
    for kind in KINDS:
        one, other = (item for item in items if item.kind == kind)
        assert (one.colour, one.pattern, one.price) == (other.colour, other.pattern, other.price)
        assert one.price > 0
        assert one.path.read_bytes() != other.path.read_bytes()


def test_more_pictures_than_designs_are_still_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every colour and pattern has had two views, the third view begins."""
    monkeypatch.setattr(drawn, "KINDS", ("mug",))
    designs = len(COLOURS) * len(PATTERNS)
    items = draw_catalogue(tmp_path, count=2 * designs + 5, size=16)
    assert len({item.id for item in items}) == len(items)
    assert {item.id[-2:] for item in items} == {"-1", "-2", "-3", "-4"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_shows_every_pattern(kind: str) -> None:
    """A pattern changes the picture where plain cloth was, and no two patterns look the same."""
    pictures = [_pixels(kind, pattern=pattern) for pattern in PATTERNS]
    for one, other in itertools.combinations(pictures, 2):
        assert _changed(one, other) > 0.01


def test_kinds_look_different() -> None:
    """Same colour, same place: no kind is taken for another."""
    pictures = {kind: _pixels(kind) for kind in KINDS}
    for one, other in itertools.combinations(KINDS, 2):
        assert _changed(pictures[one], pictures[other]) > 0.05, (one, other)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_thing_has_the_colour_of_its_name(colour: str) -> None:
    """The middle of a plain shirt is nearer to its colour than to any other."""
    middle = np.median(_pixels("shirt", colour)[24:44, 24:40].reshape(-1, 3), axis=0)
    nearest = min(COLOURS, key=lambda name: float(np.abs(middle - COLOURS[name]).sum()))
    assert nearest == colour


def test_edges_are_smooth() -> None:
    """Supersampling leaves in-between tones on an edge, not two colours only."""
    row = _pixels("ball", "navy")[40]
    assert len({tuple(pixel) for pixel in row.tolist()}) > 4


@given(st.sampled_from(KINDS), st.integers(0, 2**63))
@settings(max_examples=40, deadline=None)
def test_any_view_can_be_drawn(kind: str, view_seed: int) -> None:
    """Whatever the placement, the thing stays in the picture: corners show the backdrop."""
    pixels = np.asarray(draw(kind, "red", "dots", view_seed, 64)).astype(int)
    assert pixels.shape == (64, 64, 3)
    corners = pixels[[0, 0], [0, 63]]
    assert np.abs(corners - corners[0]).max() < 8
    assert _changed(pixels, np.broadcast_to(corners[0], pixels.shape)) > 0.03


@pytest.mark.parametrize(
    "arguments",
    [
        ("spoon", "red", "plain", 0, 64),
        ("mug", "ultraviolet", "plain", 0, 64),
        ("mug", "red", "tartan", 0, 64),
        ("mug", "red", "plain", -1, 64),
        ("mug", "red", "plain", 0, 15),
        ("mug", "red", "plain", 0, 2_049),
    ],
)
def test_what_cant_be_drawn_is_named(arguments: tuple[str, str, str, int, int]) -> None:
    """Unknown names and numbers out of range are refused with what is allowed."""
    with pytest.raises(UsageError) as caught:
        draw(*arguments)
    assert caught.value.remedy


@pytest.mark.parametrize("options", [{"count": 0}, {"count": 100_001}, {"size": 8}, {"seed": -1}])
def test_a_catalogue_out_of_range_is_refused(tmp_path: Path, options: dict[str, int]) -> None:
    """Nothing is written when an argument is wrong."""
    with pytest.raises(UsageError):
        draw_catalogue(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cant_be_written_is_a_storage_error(tmp_path: Path) -> None:
    """The system's own error does not leak."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="taken"):
        draw_catalogue(tmp_path / "taken", count=1, size=16)
