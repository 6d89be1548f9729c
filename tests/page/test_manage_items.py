"""Changing and removing items in a real browser: conflicts are shown, removals can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium.webdriver.support.ui import Select

import mitame
from tests.page.browser import DESKTOP, REFUSAL, Browser, browser
from tests.serving.running_server import Server

HOSTILE = "<img src=x onerror=window.broken=1>"
ITEM = "/v1/collections/shop/items/mug"
TOLD = {
    "name": "A mug",
    "price": 900,
    "sale": False,
    "tags": ["new", "red"],
    "sizes": ["1,5 l", "2 l"],
    "text": "one line\n and another ",
    "old": None,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Three items with pictures, and one whose every name is a tag."""
    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        for name, tone in (("hat", "green"), ("mug", "red"), ("shoe", "blue"), (HOSTILE, "white")):
            path = tmp_path / f"{tone}.png"
            Image.new("RGB", (40, 30), tone).save(path)
            told = {HOSTILE: HOSTILE} if name == HOSTILE else TOLD
            category = HOSTILE if name == HOSTILE else "things"
            shop.add(name, image=path, category=category, attributes=told)
    with Server(tmp_path / "data") as running:
        yield running


@pytest.fixture
def manage(window: Browser, server: Server) -> Iterator[Browser]:
    """The view; after the test nothing must have been complained of but refusals."""
    window.look(*DESKTOP)
    shown(window, server)
    with window.watched(REFUSAL):
        yield window


def shown(window: Browser, server: Server) -> None:
    window.driver.get(f"{server.url}/#manage?c=shop")
    window.until(lambda: len(listed(window)) == 4, "the items do not come")


def listed(window: Browser) -> list[str]:
    """Ids of the rows that can be seen."""
    found: list[str] = window.run(
        "return [...document.querySelectorAll('.managed')].filter((row) => !row.hidden)"
        ".map((row) => row.querySelector('.id').title)"
    )
    return found


def press(window: Browser, name: str, item: str) -> None:
    """A row's button."""
    script = (
        "return [...document.querySelectorAll('.managed')].find((row) => row.item === arguments[0])"
    )
    window.run(script, item).find_element("css selector", f"button.{name}").click()


def item(server: Server) -> Any:
    return server.ask("GET", ITEM).json()


def save(window: Browser) -> None:
    window.one(".editor [type=submit]").click()


def closed(window: Browser) -> None:
    window.until(lambda: not window.all(".editor"), "the dialog stays")


def test_an_item_is_changed(manage: Browser, server: Server) -> None:
    """Category and attributes of every kind; saved without a change, all stay what they were."""
    before = item(server)
    press(manage, "edit", "mug")
    save(manage)
    closed(manage)
    assert item(server) == before
    press(manage, "edit", "mug")
    category = manage.one(".editor .field input")
    category.clear()
    category.send_keys("cups")
    names = [each.get_attribute("value") for each in manage.all(".attribute-name")]
    assert sorted(filter(None, names)) == sorted(TOLD)
    price = manage.all(".attribute")[names.index("price")]
    price.find_element("css selector", ".value input").clear()
    price.find_element("css selector", ".value input").send_keys("12.5")
    tags = manage.all(".attribute")[names.index("tags")]
    tags.find_element("css selector", ".value input").send_keys(", blue")
    manage.all(".attribute")[names.index("old")].find_element("css selector", "button").click()
    manage.one(".add-attribute").click()
    row = manage.all(".attribute")[-1]
    row.find_element("css selector", ".attribute-name").send_keys("name")
    save(manage)
    assert item(server) == before  # two of one name are none to save
    row.find_element("css selector", ".attribute-name").clear()
    row.find_element("css selector", ".attribute-name").send_keys("hot")
    Select(row.find_element("css selector", ".attribute-kind")).select_by_value("truth")
    save(manage)
    closed(manage)
    after = item(server)
    told = {**TOLD, "price": 12.5, "tags": ["new", "red", "blue"]}
    del told["old"]
    assert after == {**before, "category": "cups", "attributes": {**told, "hot": True}}
    assert "cups" in next(each for each in manage.texts(".told") if "12.5" in each)


def test_a_refused_change_is_told_in_the_dialog(manage: Browser, server: Server) -> None:
    """With the server's words; what was typed stays."""
    press(manage, "edit", "mug")
    manage.one(".attribute-name")
    names = manage.all(".attribute-name")
    names[0].clear()
    names[0].send_keys("x" * 200)
    manage.run("document.querySelector('.editor .field input').value = 'y'.repeat(5000)")
    save(manage)
    detail = manage.one(".editor .failure .detail").text
    body = {"category": "y" * 5000, "attributes": {}}
    assert detail == server.ask("PATCH", ITEM, body).json()["detail"]
    assert names[0].get_attribute("value") == "x" * 200


@pytest.mark.parametrize("choice", ["theirs", "mine"])
def test_a_conflict_is_shown(manage: Browser, server: Server, choice: str) -> None:
    """Somebody else's change is not written over unseen: the reader takes it, or keeps her own."""
    press(manage, "edit", "mug")
    manage.one(".editor")
    server.ask("PATCH", ITEM, {"category": "theirs"})
    category = manage.one(".editor .field input")
    category.clear()
    category.send_keys("mine")
    save(manage)
    assert "theirs" in manage.one(".conflict").text
    assert item(server)["category"] == "theirs"
    assert manage.accessibility() == []
    manage.all(".conflict button")[0 if choice == "theirs" else 1].click()
    save(manage)
    closed(manage)
    assert item(server)["category"] == choice


def test_a_removal_can_be_undone(manage: Browser, server: Server) -> None:
    """Nothing was sent yet: the item is in the list again, and the server never knew."""
    tag = server.ask("GET", ITEM).headers["etag"]
    press(manage, "delete", "mug")
    manage.until(lambda: "mug" not in listed(manage), "it stays in sight")
    assert manage.one(".undoing p").text == "mug will be deleted in 8 seconds."
    assert manage.accessibility() == []
    manage.one("button.undo").click()
    assert "mug" in listed(manage)
    assert server.ask("GET", ITEM).headers["etag"] == tag


def test_a_removal_is_sent_when_the_time_is_over(manage: Browser, server: Server) -> None:
    """Several at once, while another view is shown, too; leaving before removes nothing."""
    press(manage, "delete", "mug")
    manage.one(".undoing")
    manage.driver.refresh()
    manage.until(lambda: len(listed(manage)) == 4, "the items do not come")
    assert server.ask("GET", ITEM).status == 200
    for row in manage.all(".managed"):
        if row.find_element("css selector", ".id").text in ("hat", "shoe"):
            row.find_element("css selector", "input").click()
    assert manage.one(".remove-chosen").text == "Delete 2 chosen"
    manage.one(".remove-chosen").click()
    manage.until(lambda: len(listed(manage)) == 2, "they stay in sight")
    manage.run("location.hash = 'search?c=shop'")
    manage.until(lambda: manage.all(".hero"), "no search")
    paths = [f"/v1/collections/shop/items/{name}" for name in ("hat", "shoe")]
    manage.until(lambda: {server.ask("GET", each).status for each in paths} == {404}, "not sent")
    assert server.ask("GET", ITEM).status == 200


def test_what_somebody_has_changed_is_not_removed(manage: Browser, server: Server) -> None:
    """The item that the reader saw is not the one that is there now: it stays, and she is told."""
    press(manage, "delete", "mug")
    manage.until(lambda: "mug" not in listed(manage), "it stays in sight")
    server.ask("PATCH", ITEM, {"category": "precious"})
    text = manage.until(lambda: "".join(manage.texts(".failure")), "nothing is told")
    assert text
    assert "mug" in listed(manage)
    assert item(server)["category"] == "precious"


def test_an_item_is_found_by_its_id(manage: Browser, server: Server) -> None:
    """By how it begins; without a text all are there again."""
    manage.one("input[type=search]").send_keys("sho")
    manage.until(lambda: listed(manage) == ["shoe"], "it is not found")
    manage.until(
        lambda: manage.run("return document.querySelector('.managed img').naturalWidth"),
        "no picture",
    )
    manage.one("input[type=search]").clear()
    manage.one("input[type=search]").send_keys(" ")
    manage.until(lambda: len(listed(manage)) == 4, "the others do not come back")


def test_a_tag_in_a_name_stays_text(manage: Browser, server: Server) -> None:
    """Id, category, attribute's name and value: in the list, in the editor, in the notice."""
    assert HOSTILE in listed(manage)
    press(manage, "edit", HOSTILE)
    assert manage.one(".editor .field input").get_attribute("value") == HOSTILE
    path = f"/v1/collections/shop/items/{HOSTILE.replace('/', '%2F').replace(' ', '%20')}"
    server.ask("PATCH", path, {"category": f"{HOSTILE}!"})
    save(manage)
    assert f"{HOSTILE}!" in manage.one(".conflict").text
    manage.run("document.querySelector('.editor').close()")
    press(manage, "delete", HOSTILE)
    assert HOSTILE in manage.one(".undoing").text
    assert manage.run("return window.broken") is None
    manage.one("button.undo").click()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_keeps_people_out(server: Server, language: str) -> None:
    """Axe finds nothing in list and editor, in both languages and themes, on a phone and wide."""
    with browser(language) as window:
        shown(window, server)
        for _ in window.looks():
            assert window.barriers() == []
            press(window, "edit", "mug")
            window.one(".editor")
            assert window.barriers() == []
            window.run("document.querySelector('.editor').close()")
        assert window.problems() == []
