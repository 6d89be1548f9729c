"""The documentation has a picture of every view, light and dark, on a phone and a wide screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.page.pictures import MOST_KB, PHONE, SHOTS, TARGET, WIDE

PROJECT = Path(__file__).parents[2]
VIEWS = re.findall(
    r"^  (\w+): \{ title:",
    (PROJECT / "src/mitame/page/views.js").read_text(encoding="utf-8"),
    re.MULTILINE,
)
SIZES = {"wide": WIDE, "phone": PHONE}


def test_all_views_were_found() -> None:
    """The list below is not empty by a change of the page's own list."""
    assert {"search", "quality", "bad"} <= set(VIEWS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("device", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_a_picture(view: str, device: str, theme: str) -> None:
    """A new view needs a line in `SHOTS`, and its pictures a place in docs/page.md."""
    names = [shot.name for shot in SHOTS if shot.view == view and not shot.wide_only]
    assert names
    page = (PROJECT / "docs/page.md").read_text(encoding="utf-8")
    for name in names:
        file = TARGET / f"page-{name}-{device}-{theme}.webp"
        assert file.stat().st_size < MOST_KB * 1_000
        with Image.open(file) as picture:
            width, height = SIZES[device]
            assert picture.size == (width * 1.5, height * 1.5)
        assert f"(pictures/{file.name})" in page
