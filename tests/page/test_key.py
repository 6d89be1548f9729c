"""A server that wants a key: it is asked for once, kept in the tab, and never in an address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.acting import press
from tests.page.browser import DESKTOP, Browser, browser
from tests.page.requests import answer
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

KEY = "a-key-that-may-read-0123456789abcdef"


@pytest.fixture(scope="module")
def locked(shop_data: Path) -> Iterator[Server]:
    """The shop behind a key."""
    with limited_server(shop_data, limits={}, env={"MITAME_KEY": KEY}) as running:
        yield running


@pytest.fixture
def visitor(locked: Server) -> Iterator[Browser]:
    """A browser that has not been here."""
    with browser() as opened:
        opened.look(*DESKTOP)
        opened.driver.get(locked.url)
        yield opened
        assert [each for each in opened.problems() if "401" not in each] == []


def enter(page: Browser, key: str) -> None:
    page.one("dialog input").send_keys(key)
    press(page, "Enter")


def test_it_is_asked_for_once(visitor: Browser, locked: Server) -> None:
    """A wrong one is told so; with the right one all is shown, and a reload asks nothing."""
    enter(visitor, "wrong")
    visitor.until(lambda: "refused" in "".join(visitor.texts("dialog p")), "it is not refused")
    enter(visitor, KEY)
    visitor.settled()
    assert len(visitor.ids()) == 24
    assert visitor.all("dialog") == []
    whole = (
        "const found = [...document.querySelectorAll('.grid img')].slice(0, 8);"
        "const isWhole = (image) => image.src.startsWith('blob:') && image.naturalWidth > 0;"
        "return found.length === 8 && found.every(isWhole)"
    )
    visitor.until(lambda: visitor.run(whole), "pictures are not shown")
    assert KEY not in visitor.driver.current_url
    kept = "return [JSON.stringify(localStorage), document.cookie, JSON.stringify(sessionStorage)]"
    local, cookie, session = visitor.run(kept)
    assert KEY not in local + cookie
    assert KEY in session
    visitor.driver.refresh()
    visitor.settled()
    assert len(visitor.ids()) == 24
    visitor.one(".tile-link").click()
    visitor.until(lambda: "like=" in visitor.driver.current_url, "nothing was asked")
    visitor.settled()
    assert len(visitor.ids()) == 24
    sent = visitor.run("return performance.getEntriesByType('resource').map(({ name }) => name)")
    assert sent
    assert not [each for each in sent if KEY in each]


def test_without_one_the_page_says_so(visitor: Browser) -> None:
    """Cancelled, it is an error in place, from which one can try again."""
    visitor.one("dialog")
    assert visitor.accessibility() == []
    press(visitor, "Escape")
    assert "This needs a key." in visitor.one(".failure").text
    visitor.one(".failure button").click()
    enter(visitor, KEY)
    visitor.until(lambda: len(visitor.ids()) == 24, "nothing is shown")


def test_other_letters_than_a_header_has_are_refused_at_once(visitor: Browser) -> None:
    """With a word on them; the right key goes on from there."""
    enter(visitor, "\N{KATAKANA LETTER KI}\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}")
    field = visitor.one("dialog input")
    message = visitor.run("return arguments[0].validationMessage", field)
    assert "ASCII" in message
    field.clear()
    enter(visitor, KEY)
    visitor.settled()
    assert len(visitor.ids()) == 24


def test_a_picture_that_is_none_is_let_go(visitor: Browser) -> None:
    """Pictures that come with a key are held by the page until they are shown, or can't be."""
    visitor.run(
        "[window.made, window.let] = [0, 0]; const { createObjectURL, revokeObjectURL } = URL;"
        "URL.createObjectURL = (one) => { made += 1; return createObjectURL.call(URL, one); };"
        "URL.revokeObjectURL = (one) => { window.let += 1; revokeObjectURL.call(URL, one); };"
    )
    answer(visitor, "/thumbnail", "new Response('no picture')", times=3)
    enter(visitor, KEY)
    visitor.settled()
    visitor.until(lambda: len(visitor.all(".grid .missing")) == 3, "they are not marked")
    visitor.until(lambda: visitor.run("return made > 3 && made === window.let"), "some are held")
