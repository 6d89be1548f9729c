"""The page is for everybody: keys alone, screen readers, themes, languages, small screens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mitame.demo.drawn import DrawnItem
from tests.page.acting import changed, focused, press
from tests.page.browser import DESKTOP, PHONE, Browser, browser
from tests.serving.running_server import Server

STATES = {
    "start": "",
    "one": "like=id:{a}",
    "box": "like=id:{a}&box=0.2,0.2,0.8,0.8",
    "several": "like=id:{a}&like=id:{b}&unlike=id:{c}",
    "filtered": "like=id:{a}&where=%5B%5B%22category%22%2C%5B%22mug%22%5D%5D",
    "failed": "like=id:nothing",
    "empty": "c=empty",
    "missing": "like=file:nothing",
}
"""Of the search view, as the address has them."""


JAPANESE = "これに似ているものは\N{FULLWIDTH QUESTION MARK}"


@pytest.fixture(scope="module", params=["en", "ja"])
def reader(request: pytest.FixtureRequest, shop: Server) -> Iterator[tuple[str, Browser]]:
    """A browser whose reader has asked for pages in this language."""
    with browser(request.param) as opened:
        yield request.param, opened


def addresses(shop: Server, drawn: list[DrawnItem]) -> dict[str, str]:
    ids = [each.id for each in drawn if each.id.endswith("-1")]
    places = dict(zip("abc", ids, strict=False))
    return {name: f"{shop.url}/#search?{text.format(**places)}" for name, text in STATES.items()}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(
    reader: tuple[str, Browser], shop: Server, drawn: list[DrawnItem], dark: bool
) -> None:
    """In every state, both themes, both languages, on a phone and a wide screen."""
    language, page = reader
    for name, address in addresses(shop, drawn).items():
        for size in (DESKTOP, PHONE):
            page.look(*size, dark=dark, touch=size == PHONE)
            page.open(address)
            assert page.run("return document.documentElement.lang") == language
            assert page.accessibility() == [], (name, size)


def test_axe_finds_nothing_while_ids_are_suggested(page: Browser) -> None:
    """The list of suggestions and the option that is active have their roles and names."""
    press(page, "/", *"mug")
    page.until(lambda: page.texts("[role=option]"), "nothing is suggested")
    press(page, "Arrow_down")
    assert page.accessibility() == []


def test_nothing_has_to_be_scrolled_sideways(
    reader: tuple[str, Browser], shop: Server, drawn: list[DrawnItem]
) -> None:
    """Down to 320 pixels (WCAG 2.2, 1.4.10), and nothing to press is smaller than 24 (2.5.8)."""
    _, page = reader
    page.look(320, 640, touch=True)
    small = (
        "return [...document.querySelectorAll("
        "'button, select, input:not([type=checkbox]), .choice-row label, summary, .tile-link')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect())"
        ".filter(({ width, height }) => width > 0 && Math.min(width, height) < 24).length"
    )
    for name, address in addresses(shop, drawn).items():
        page.open(address)
        wide = page.run("return document.documentElement.scrollWidth")
        assert wide <= 320, name
        assert page.run(small) == 0, name


def test_keys_alone_are_enough(page: Browser) -> None:
    """From the skip link to an answer, through the grid, back to the search, to a box and away."""
    page.run("document.activeElement.blur()")
    press(page, "Tab")
    assert focused(page) == "Skip to the content"
    press(page, "Enter")
    assert page.run("return document.activeElement.id") == "main"
    press(page, "/")
    assert page.run("return document.activeElement.getAttribute('role')") == "combobox"
    page.run("document.querySelector('.tile-link').focus()")
    ids = page.ids()
    press(page, "Arrow_right", "Arrow_right", "Arrow_down", "Arrow_up", "Arrow_left")
    press(page, "Enter")
    changed(page)
    assert f"like=id%3A{ids[1]}" in page.driver.current_url
    assert focused(page) == "What looks like it"
    press(page, "Tab", "Tab", "Tab")
    answer = page.ids()[0]
    assert page.run("return document.activeElement.querySelector('.id')?.title") == answer
    press(page, "-")
    page.until(lambda: f"unlike=id%3A{answer}" in page.driver.current_url, "minus does nothing")
    page.driver.back()
    page.settled()


def test_a_box_with_keys(page: Browser) -> None:
    """It begins in the middle, moves, grows, says where it is, and goes."""
    page.one(".tile-link").click()
    changed(page)
    page.run("document.querySelector('.part').focus()")
    press(page, "Enter")
    assert focused(page).startswith("From 25 to 75 percent across, from 25 to 75")
    press(page, "Arrow_right", "Arrow_down", "Shift+Arrow_right")
    assert focused(page) == "From 27 to 79 percent across, from 27 to 77 percent down"
    page.until(lambda: "box=0.270%2C0.270%2C0.790%2C0.770" in page.driver.current_url, "no box")
    press(page, "Delete")
    page.until(lambda: "box=" not in page.driver.current_url, "the box stays")


def test_the_focus_can_be_seen(page: Browser) -> None:
    """Whatever is reached with the Tab key has an outline, or shows it in another way."""
    page.run("document.activeElement.blur()")
    seen = set()
    for _ in range(30):
        press(page, "Tab")
        told = page.run(
            "const one = document.activeElement, style = getComputedStyle(one);"
            "return [one.className, style.outlineStyle, parseInt(style.outlineWidth)]"
        )
        assert told[1] != "none" or "skip" in told[0], told
        assert told[2] >= 2 or "skip" in told[0], told
        seen.add(told[0])
    assert len(seen) >= 6


def test_theme_and_language_can_be_chosen(page: Browser) -> None:
    """The choice is kept by a reload; before it the system and the browser decide."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(ground)
    page.look(*DESKTOP, dark=True)
    dark = page.run(ground)
    assert dark != light
    page.one(".looks button").click()  # from the system's to light
    assert page.run(ground) == light
    page.driver.refresh()
    page.settled()
    assert page.run(ground) == light
    assert "light" in focused_label(page)
    page.one(".language").click()
    page.until(lambda: page.texts("h1") == [JAPANESE], "it is not in Japanese")
    page.driver.refresh()
    page.settled()
    assert page.run("return document.documentElement.lang") == "ja"
    page.one(".language").click()
    page.until(lambda: page.texts("h1") == ["What looks like this?"], "it is not in English again")


def test_the_language_can_be_chosen_where_nothing_is_kept(page: Browser) -> None:
    """Storage is refused, as in some private windows: the choice lasts as long as the page does."""
    page.run(
        "for (const name of ['getItem', 'setItem', 'removeItem'])"
        " Storage.prototype[name] = () => { throw new DOMException('no', 'SecurityError'); };"
    )
    page.one(".language").click()
    page.until(lambda: page.texts("h1") == [JAPANESE], "it is not in Japanese")
    page.one(".language").click()
    page.until(lambda: page.texts("h1") == ["What looks like this?"], "it is not in English again")


def focused_label(page: Browser) -> str:
    label: str = page.run("return document.querySelector('.looks button').ariaLabel")
    return label


def test_all_languages_say_the_same(page: Browser) -> None:
    """The same keys, with as many places to fill; nothing is empty."""
    script = """
        const [done] = arguments;
        const start = document.querySelector('script[type=module]').src;
        const words = (code) => import(start.replace('app.js', `words/${code}.js`));
        const places = (said) => typeof said === 'function' ? said.length : 'text';
        const told = (found) => Object.entries(found.words).map(
          ([key, said]) => [key, places(said), String(said) !== '']);
        Promise.all(['en', 'ja'].map(words)).then((found) => done(found.map(told)));
    """
    english, japanese = page.driver.execute_async_script(script)
    assert sorted(english) == sorted(japanese)
    assert all(each[2] for each in english)
    assert len(english) > 50


def test_motion_is_reduced_where_it_is_asked_for(page: Browser) -> None:
    """Nothing moves or fades then."""
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    moving = page.run(
        "return [...document.querySelectorAll('*')].filter((one) => {"
        " const { transitionDuration, animationName } = getComputedStyle(one);"
        " return transitionDuration !== '0s' || animationName !== 'none' }).length"
    )
    assert moving == 0
