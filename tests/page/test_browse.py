"""Browsing by category and the list of bad files, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import mitame
from tests.page.browser import DESKTOP, PHONE, Browser
from tests.page.requests import asked, watch
from tests.serving.running_server import Server

HOSTILE = "<img src=x onerror=alert(1)>"
MUGS = 70


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Seventy mugs, two hats of a hostile category, one without; two files that are no pictures."""
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("folder")
    for number in range(MUGS + 3):
        tone = (number * 3, 120, 255 - number * 3)
        Image.new("RGB", (60, 40 + number % 30), tone).save(folder / f"{number:02}.png")
    for name in ("a.png", f"{HOSTILE.replace('/', '')}.png"):
        (folder / name).write_text("no picture")
    with mitame.open(data, "shop", lenses={"color": "color"}) as shop:
        shop.index(folder)
        for number in range(MUGS + 2):
            kind = "mug" if number < MUGS else HOSTILE
            shop.update(f"{number:02}.png", category=kind, attributes={"sale": number % 2 == 0})
    mitame.open(data, "none", lenses={"color": "color"}).close()
    with Server(data) as running:
        yield running


@pytest.fixture
def page(spoken: Browser, server: Server) -> Iterator[Browser]:
    """The categories; after the test nothing must have been complained of."""
    spoken.look(*DESKTOP)
    opened(spoken, server, "browse?c=shop", ".card")
    with spoken.watched():
        yield spoken


def opened(window: Browser, server: Server, address: str, what: str) -> None:
    window.load(f"{server.url}/#{address}")
    window.one(what)


def cards(page: Browser) -> list[list[str | int]]:
    """Of each category its name, count, and how many pictures are shown of it."""
    found: list[list[str | int]] = page.run(
        "return [...document.querySelectorAll('.card')].map((card) => ["
        " card.querySelector('.value').textContent, card.querySelector('.count').textContent,"
        " card.querySelectorAll('.samples img').length])"
    )
    return found


def test_categories_lead_to_their_pictures(page: Browser) -> None:
    """Each with its count and pictures; all of one come page by page; filters and back work."""
    page.until(lambda: all(each[2] for each in cards(page)), "cards are bare")
    found = cards(page)
    assert [each[:2] for each in found[:2]] == [["mug", str(MUGS)], [HOSTILE, "2"]]
    assert [each[1:] for each in found] == [[str(MUGS), 4], ["2", 2], ["1", 1]]
    page.all(".card")[0].click()
    page.until(lambda: len(page.ids()) == 60, "the first page does not come")
    assert str(MUGS) in page.one(".browse .facts").text
    page.one(".results .actions button").click()
    page.until(lambda: len(page.ids()) == MUGS, "the rest does not come")
    assert len(set(page.ids())) == MUGS
    assert not page.all(".results .actions button")
    boxes = page.all(".filters [data-choice*=sale]")
    boxes[0].click()
    page.until(lambda: str(MUGS // 2) in page.one(".browse .facts").text, "nothing is filtered")
    page.driver.back()
    page.until(lambda: str(MUGS) in page.one(".browse .facts").text, "back does nothing")
    page.driver.back()
    assert page.one(".card")


def test_a_picture_leads_to_what_is_like_it(page: Browser) -> None:
    """Everything is listed, too, the one without a category as well."""
    page.all(".browse .head a")[1].click()
    page.until(lambda: len(page.ids()) == 60, "nothing is listed")
    assert str(MUGS + 3) in page.one(".browse .facts").text
    page.one(".tile-link").click()
    page.until(lambda: "#search?c=shop&like=" in page.driver.current_url, "nothing is asked")
    page.settled()


def test_bad_files_are_listed(page: Browser, server: Server) -> None:
    """With place and reason, as text."""
    opened(page, server, "bad?c=shop", ".bad-files li")
    assert [Path(each).name for each in page.texts(".bad-files .location")] == [
        f"{HOSTILE}.png",
        "a.png",
    ]
    assert all(page.texts(".bad-files .reason"))
    assert "2" in page.one(".bad .facts").text
    opened(page, server, "bad?c=none", ".nothing")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(spoken: Browser, server: Server, dark: bool) -> None:
    """In both themes, both languages, on a phone and a wide screen; nothing scrolls sideways."""
    places = {
        "browse?c=shop": ".card",
        "browse?c=shop&all=true": ".tile",
        "browse?c=none": ".nothing",
        "bad?c=shop": ".bad-files li",
    }
    for size in (DESKTOP, PHONE):
        spoken.look(*size, dark=dark, touch=size == PHONE)
        for address, what in places.items():
            opened(spoken, server, address, what)
            assert spoken.barriers() == [], (size, address)


@pytest.mark.parametrize("place", ["browse?c=shop&all=true", "manage?c=shop"])
def test_more_pressed_twice_comes_once(page: Browser, server: Server, place: str) -> None:
    """The next page is asked for by the first press alone; then the focus is on its first one."""
    rows = ".tile" if place.startswith("browse") else ".managed"
    opened(page, server, place, rows)
    button = page.one(".results .actions button, .items + .actions button")
    first = len(page.all(rows))
    watch(page)
    page.run("arguments[0].focus(); arguments[0].click(); arguments[0].click()", button)
    page.until(lambda: len(page.all(rows)) > first, "the next page does not come")
    assert len(page.all(rows)) == MUGS + 3
    assert len(asked(page, "items:scroll")) == 1
    script = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".findIndex((one) => one.contains(document.activeElement))"
    )
    assert page.run(script, rows) == first
