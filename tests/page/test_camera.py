"""Taking a picture: with a computer's camera in the page, on a phone with its own application."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from mitame.demo.drawn import DrawnItem
from tests.page.acting import changed
from tests.page.browser import DESKTOP, PHONE, Browser, anew, browser
from tests.serving.running_server import Server

FAKE = "--use-fake-device-for-media-stream"
"""A camera of Chromium's own, which shows a moving picture; whether it is allowed is asked."""


@pytest.fixture(scope="module")
def equipped() -> Iterator[Browser]:
    """A browser that has a camera."""
    with browser(flags=[FAKE]) as opened:
        yield opened


@pytest.fixture
def page(equipped: Browser, shop: Server) -> Iterator[Browser]:
    """It, as new; after the test nothing must have been complained of."""
    anew(equipped, shop)
    with equipped.watched():
        yield equipped


def allow(page: Browser, server: Server, setting: str) -> None:
    """What the reader answers when the browser asks for the camera."""
    wanted = {"permission": {"name": "camera"}, "setting": setting, "origin": server.url}
    page.driver.execute_cdp_cmd("Browser.setPermission", wanted)


def watch(page: Browser) -> None:
    """Keep the streams that the page gets."""
    page.run(
        "window.streams = []; const real = navigator.mediaDevices.getUserMedia;"
        "navigator.mediaDevices.getUserMedia = async function (wanted) {"
        "  const found = await real.call(this, wanted); streams.push(found); return found; };"
    )


def live(page: Browser) -> int:
    """How many of them still see."""
    count: int = page.run(
        "return streams.flatMap((one) => one.getTracks())"
        ".filter((one) => one.readyState === 'live').length"
    )
    return count


def test_a_picture_is_taken_and_asked_with(page: Browser, shop: Server) -> None:
    """What the camera sees is the example; its light goes out; a reload asks the same."""
    allow(page, shop, "granted")
    watch(page)
    page.one(".by-camera button").click()
    shoot = page.one(".viewfinder .shoot")
    assert page.run("return document.activeElement === arguments[0]", shoot)
    assert live(page) == 1
    assert page.barriers() == []
    shoot.click()
    changed(page)
    assert live(page) == 0
    assert page.all(".viewfinder") == []
    (kind,) = parse_qs(page.driver.current_url.partition("?")[2])["like"]
    assert kind.startswith("file:")
    assert page.texts(".about .id") == ["camera.jpg"]
    script = "return document.querySelector('.stage img').naturalWidth"
    page.until(lambda: page.run(script) >= 320, "it is not shown")
    found = page.ids()
    assert len(found) == 24
    page.driver.refresh()
    page.settled()
    assert page.ids() == found


def test_going_back_asks_nothing(page: Browser, shop: Server) -> None:
    """The camera is let go, and the page is as it was."""
    allow(page, shop, "granted")
    before = page.driver.current_url
    watch(page)
    page.one(".by-camera button").click()
    page.one(".viewfinder .shoot")
    page.one(".viewfinder .actions button").click()
    page.until(lambda: live(page) == 0 and not page.all(".viewfinder"), "it still sees")
    assert page.driver.current_url == before


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_refused_camera_is_told(page: Browser, shop: Server, dark: bool) -> None:
    """With what can be done; nothing is asked, and the page goes on."""
    page.look(*DESKTOP, dark=dark)
    allow(page, shop, "denied")
    page.one(".by-camera button").click()
    told = page.one(".viewfinder p")
    page.until(lambda: told.text.startswith("The camera was refused"), "it is not told")
    assert not page.all(".viewfinder .shoot")[0].is_displayed()
    assert page.barriers() == []
    page.one(".viewfinder .actions button").click()
    page.until(lambda: not page.all(".viewfinder"), "it stays")
    assert len(page.ids()) == 24


def test_without_a_camera_it_is_said(window: Browser, shop: Server) -> None:
    """Nothing is plugged in."""
    anew(window, shop)
    with window.watched():
        allow(window, shop, "granted")
        window.one(".by-camera button").click()
        told = window.one(".viewfinder p")
        window.until(lambda: "no camera" in told.text, "it is not told")


def test_a_phone_uses_its_own(page: Browser, shop: Server, drawn: list[DrawnItem]) -> None:
    """The button opens the field that names the camera behind; what it gives is asked with."""
    page.look(*PHONE, touch=True)
    page.open(f"{shop.url}/#search?seed=1")
    page.run(
        "HTMLInputElement.prototype.click = function () {"
        " window.opened = this.getAttribute('capture'); }"
    )
    page.one(".by-camera button").click()
    assert page.run("return window.opened") == "environment"
    assert page.all(".viewfinder") == []
    page.all(".by-camera input")[0].send_keys(str(drawn[0].path))
    changed(page)
    assert page.ids()[0] == drawn[0].id
