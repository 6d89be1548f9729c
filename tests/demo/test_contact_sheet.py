"""The contact sheet: everything is on it, nothing breaks out of it, nothing stops it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mitame.demo.contact_page import page_of
from mitame.demo.contact_picture import picture_of
from mitame.demo.contact_sheet import SheetAnswer, SheetRow, write_contact_sheet
from mitame.demo.thumbnails import thumbnail
from mitame.errors import StorageError

VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """What is in a page; fails where a tag is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def count(self, tag: str, **attributes: str) -> int:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}.items()
        return sum(name == tag and wanted <= given.items() for name, given in self.seen)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Four pictures: a wide JPEG, a tall PNG with transparency, a tiny GIF, a WebP."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    made = [
        ("wide.jpg", Image.new("RGB", (300, 60), "red")),
        ("tall.png", Image.new("RGBA", (40, 200), (0, 0, 255, 128))),
        ("tiny.gif", Image.new("L", (1, 1), 10)),
        ("some.webp", Image.new("RGB", (64, 64), "green")),
    ]
    for name, image in made:
        image.save(folder / name)
    return [folder / name for name, _ in made]


def _near(colour: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(colour, tuple)
    return all(abs(a - b) <= 3 for a, b in zip(colour, wanted, strict=True))


def _rows(pictures: list[Path], label: str = "a thing") -> list[SheetRow]:
    answers = [
        SheetAnswer(path, f"{label} {i}", 0.98 - i / 5, ["same", "similar", "weak", "weak"][i])
        for i, path in enumerate(pictures)
    ]
    return [SheetRow(pictures[0], label, answers), SheetRow(pictures[1], label, answers[:2])]


def test_all_rows_are_in_both_files(tmp_path: Path, pictures: list[Path]) -> None:
    """Two queries and six answers: every picture, label, score and word is there."""
    page, sheet = write_contact_sheet(_rows(pictures), tmp_path / "new" / "out", title="Sample")
    html = Page(page.read_text("utf-8"))
    assert (page.name, sheet.name) == ("index.html", "contact-sheet.png")
    assert html.count("section", class_="row") == 2
    assert (html.count("li"), html.count("img")) == (6, 8)
    text = " ".join(html.text)
    assert all(word in text for word in ("Sample", "a thing 3", "0.98", "0.78", "weak"))
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        counted = image.getcolors(1 << 20)
    assert counted is not None
    colours = [colour for _, colour in counted if isinstance(colour, tuple)]
    for wanted in ((255, 0, 0), (0, 128, 0), (127, 127, 255)):  # the pictures, as they are
        assert any(_near(colour, wanted) for colour in colours)
    assert sorted(path.name for path in page.parent.iterdir()) == [sheet.name, page.name]


def test_the_page_is_closed_to_the_outside(pictures: list[Path]) -> None:
    """No script, no address but data:, and a policy whose hash is that of the one style."""
    html = page_of(_rows(pictures), "Sample")
    page = Page(html)
    policy = next(a["content"] for tag, a in page.seen if "http-equiv" in a)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"style-src 'sha256-{digest}'" in policy
    assert page.count("script") == page.count("link") == page.count("a") == 0
    assert all(a["src"].startswith("data:image/") for tag, a in page.seen if tag == "img")
    assert not any("style" in a for _, a in page.seen)


def test_pictures_in_the_page_can_be_opened(pictures: list[Path]) -> None:
    """Each data: address holds a whole picture, square, its shape kept on white."""
    html = page_of([SheetRow(pictures[0], "wide", [])], "Sample")
    data = re.search(r"data:image/jpeg;base64,([^\"]+)", html)
    assert data is not None
    with Image.open(io.BytesIO(base64.b64decode(data[1], validate=True))) as image:
        assert image.size == (224, 224)
        middle, top = image.getpixel((112, 112)), image.getpixel((112, 10))
    assert isinstance(middle, tuple)
    assert isinstance(top, tuple)
    assert middle[0] > 200 > 60 > middle[1]
    assert min(top) > 240


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def test_labels_stay_text(pictures: list[Path]) -> None:
    """Title, labels and match words can't become markup."""
    rows = [SheetRow(pictures[0], HOSTILE, [SheetAnswer(pictures[1], HOSTILE, 0.5, HOSTILE)])]
    html = page_of(rows, HOSTILE)
    page = Page(html)
    assert "<script" not in html
    assert page.count("img") == 2
    assert page.count("img", src="x") == 0
    assert sum(HOSTILE in text for text in page.text) == 5


@given(st.text(), st.floats())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_and_score_make_a_sheet(tmp_path: Path, text: str, score: float) -> None:
    """Control characters, halves of characters, NaN: the page parses and can be encoded."""
    rows = [SheetRow(tmp_path, text, [SheetAnswer(tmp_path, text, score, text)])]
    html = page_of(rows, text)
    assert Page(html.encode().decode()).count("section") == 1


@pytest.mark.parametrize("label", ["", "x" * 5_000, "\ud83d", "a\nb\tc", "猫と犬", HOSTILE])
def test_any_label_can_be_drawn(pictures: list[Path], label: str) -> None:
    """Too long, empty, broken or foreign: the picture has the same size."""
    plain, odd = picture_of(_rows(pictures), "t"), picture_of(_rows(pictures, label), label)
    with Image.open(io.BytesIO(plain)) as one, Image.open(io.BytesIO(odd)) as other:
        assert one.size == other.size


def test_pictures_that_cant_be_shown_leave_a_blank_tile(
    tmp_path: Path, pictures: list[Path]
) -> None:
    """Gone, empty, broken, not a picture, a folder, a pipe: the sheet is drawn all the same."""
    broken = [tmp_path / name for name in ("gone.jpg", "empty.jpg", "cut.jpg", "text.jpg")]
    broken[1].write_bytes(b"")
    broken[2].write_bytes(pictures[0].read_bytes()[:200])
    broken[3].write_text("hello")
    broken += [tmp_path, Path()]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        broken.append(tmp_path / "pipe")
    rows = [SheetRow(p, p.name, [SheetAnswer(p, p.name, 0.5, "weak")]) for p in broken]
    page, sheet = write_contact_sheet(rows, tmp_path / "out", title="Broken")
    html = Page(page.read_text("utf-8"))
    assert html.count("div", class_="blank") == 2 * len(broken)
    assert html.count("img") == 0
    assert sheet.stat().st_size > 0
    assert [thumbnail(path, 32) for path in broken] == [None] * len(broken)


def test_a_sheet_without_answers_says_so(tmp_path: Path, pictures: list[Path]) -> None:
    """No rows, and a row without answers, are both readable."""
    assert "No queries." in page_of([], "Empty")
    assert "Nothing looks like it." in page_of([SheetRow(pictures[0], "alone", [])], "Empty")
    page, sheet = write_contact_sheet([], tmp_path, title="Empty")
    with Image.open(sheet) as image:
        assert image.width > 400
    assert page.exists()


def test_the_picture_has_bounds_and_the_page_has_all(pictures: list[Path]) -> None:
    """Hundreds of rows or answers don't make a picture that nobody can open."""
    answer = SheetAnswer(Path("gone"), "x", 0.5, "weak")
    many = [SheetRow(Path("gone"), "x", [answer] * 30)] * 70
    with Image.open(io.BytesIO(picture_of(many, "t"))) as image:
        assert image.width * image.height < 60_000_000
    assert Page(page_of(many, "t")).count("li") == 30 * 70


def test_a_second_sheet_replaces_the_first(tmp_path: Path, pictures: list[Path]) -> None:
    """Files are replaced whole; no partial file is left."""
    write_contact_sheet(_rows(pictures), tmp_path / "out", title="First")
    page, _ = write_contact_sheet(_rows(pictures), tmp_path / "out", title="Second")
    assert "<title>Second</title>" in page.read_text("utf-8")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_folder_that_cant_be_written_is_a_storage_error(tmp_path: Path) -> None:
    """The system's own error does not leak."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="taken"):
        write_contact_sheet([], tmp_path / "taken", title="x")


def test_a_thumbnail_keeps_the_whole_picture(pictures: list[Path]) -> None:
    """Nothing is cropped: a wide picture lies between two white bands, transparency is white."""
    wide, tall = thumbnail(pictures[0], 100), thumbnail(pictures[1], 100)
    assert wide is not None
    assert tall is not None
    assert wide.getpixel((50, 35)) == (255, 255, 255)
    assert _near(wide.getpixel((2, 50)), (255, 0, 0))
    assert _near(wide.getpixel((97, 50)), (255, 0, 0))
    assert _near(tall.getpixel((50, 50)), (127, 127, 255))
