"""Names that are code stay text, wherever they come from: items, files, the address."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

import mitame
from mitame.demo.drawn import DrawnItem
from tests.page.acting import changed, drop, press
from tests.page.browser import Browser, anew
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

TAG = "<img src=x onerror=window.hacked=1>"
SCRIPT = "<script>window.hacked=1</script>"
QUOTES = "\"'><svg onload=window.hacked=1>"
LINK = "javascript:window.hacked=1"
TEMPLATE = "${window.hacked=1}{{constructor.constructor('window.hacked=1')()}}"
NAMES = (TAG, SCRIPT, QUOTES, LINK, TEMPLATE, "__proto__", "../../../v1/collections", "a#b?c&d")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, drawn: list[DrawnItem]) -> Iterator[Server]:
    """A shop where every name is one of those, in ids, categories, attributes and their names."""
    data = tmp_path_factory.mktemp("hostile")
    with mitame.open(data, lenses={"color": "color"}) as shop:
        for place in range(24):
            name = NAMES[place % len(NAMES)]
            told = {TAG: name, SCRIPT: place % 2 == 0, QUOTES: [name, LINK], "constructor": place}
            item = f"{name} {place}"
            shop.add(item, image=drawn[place].path, category=name, attributes=told)
    with limited_server(data, limits={}) as running:
        yield running


@pytest.fixture
def page(window: Browser, hostile: Server) -> Iterator[Browser]:
    anew(window, hostile)
    with window.watched():
        yield window
    assert_harmless(window)


def assert_harmless(page: Browser) -> None:
    """No name has become code or an element of what is shown now."""
    assert page.run("return window.hacked ?? null") is None
    strays = "img[src='x'], main script, svg[onload], [onerror], [onload], a[href^='javascript']"
    assert page.all(strays) == []


def test_names_of_items_are_text(page: Browser) -> None:
    """In the grid, in filters, as an example, in suggestions: letter by letter as they are."""
    ids = page.ids()
    assert len(ids) == 24
    assert {f"{name} {place}" for name in NAMES for place in range(24)} >= set(ids)
    assert set(page.texts(".tile .category")) == set(NAMES)
    assert {TAG, SCRIPT, QUOTES} <= set(page.texts("legend"))
    assert set(NAMES) <= set(page.texts("fieldset .value"))
    for item in ids:
        page.open(
            f"{page.driver.current_url.partition('#')[0]}#search?like=id:{quote(item, safe='')}"
        )
        assert page.run("return document.querySelector('.about .id').title") == item
        assert_harmless(page)
        assert len(page.ids()) == 23


def test_filters_on_such_names_work(page: Browser) -> None:
    """Each value chosen leaves its items, in pictures at random (as text) and in answers (JSON)."""
    values = partial(page.texts, "fieldset:first-of-type .value")
    for place in range(len(NAMES)):
        page.open(page.driver.current_url.partition("#")[0])
        page.until(lambda: len(values()) == len(NAMES), "not all values are there")
        value = values()[place]
        page.all("fieldset:first-of-type .choice-row input")[place].click()
        page.until(lambda: "where" in page.driver.current_url, "nothing is filtered")
        page.settled()
        assert set(page.texts(".tile .category")) == {value}
        assert_harmless(page)
        page.one(".tile-link").click()
        changed(page)
        assert set(page.texts(".tile .category")) == {value}
        assert_harmless(page)


def test_suggested_names_are_text(page: Browser) -> None:
    """An id that is a tag, typed and chosen."""
    press(page, "/", *"<img")
    page.until(lambda: page.texts("[role=option]"), "nothing is suggested")
    assert all(each.startswith(TAG) for each in page.texts("[role=option]"))
    press(page, "Arrow_down", "Enter")
    changed(page)
    assert page.texts(".about .id")[0].startswith("<img")


@pytest.mark.parametrize(
    "place",
    [
        "search?c={name}",
        "search?like=id:{name}",
        "search?like=url:{name}",
        "search?like=file:{name}",
        "search?like=id:a&lens={name}",
        "search?where=%5B%5B%22{name}%22,%5B%22{name}%22%5D%5D%5D",
        "{name}?like=id:a",
    ],
)
def test_addresses_that_are_code_do_nothing(page: Browser, hostile: Server, place: str) -> None:
    """Each place of the address, with each name: an error in words at most."""
    for name in NAMES:
        page.open(f"{hostile.url}/#{place.format(name=quote(name, safe=''))}")
        complaints = [each for each in page.problems() if "Failed to load resource" not in each]
        assert complaints == []
        assert_harmless(page)


def test_files_that_are_code_are_pictures_or_nothing(page: Browser, tmp_path: Path) -> None:
    """A file whose name is a tag; an SVG with a script, which is refused and never run."""
    named = tmp_path / "<img src=x onerror=window.hacked=1>.svg"
    named.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="window.hacked=1">'
        "<script>window.hacked=1; parent.hacked=1</script><rect width='9' height='9'/></svg>"
    )
    drop(page, named)
    page.one(".failure")
    page.until(lambda: page.texts(".about .id") == [named.name], "the file's name is not shown")
    page.problems()


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString", "hasOwnProperty"])
def test_names_that_every_object_has_are_no_views(
    page: Browser, hostile: Server, name: str
) -> None:
    """They lead to the first view, as any other name; as a choice they choose nothing."""
    page.open(f"{hostile.url}/#{name}")
    assert page.one(".hero")
    page.load(f"{hostile.url}/#duplicates?show={name}")
    assert page.one(".duplicates select").get_attribute("value") == "undecided"
    page.until(lambda: page.texts(".duplicates .facts")[0], "no groups come")
