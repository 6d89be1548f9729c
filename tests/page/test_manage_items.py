"""Changing and removing items in a real browser: conflicts are shown, removals can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.support.ui import Select

import mitame
from mitame.serving.callers.key_store import KeyStore
from mitame.serving.callers.roles import Role
from mitame.serving.state import State
from tests.page.browser import DESKTOP, REFUSAL, Browser, browser
from tests.page.requests import answer, asked, held, hold, release
from tests.serving.running_server import Server

HOSTILE = "<img src=x onerror=window.broken=1>"
ITEM = "/v1/collections/shop/items/mug"
_MESSAGE = "return document.activeElement.validationMessage"
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
    """A row's button, whenever the row is not just being drawn anew."""
    script = (
        "return [...document.querySelectorAll('.managed')].find((row) => row.item === arguments[0])"
    )

    def pressed() -> bool:
        with suppress(StaleElementReferenceException):
            row = window.run(script, item)
            row.find_element("css selector", f"button.{name}").click()
            return True
        return False

    window.until(pressed, f"there is no {name} of {item}")


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


def value_of(window: Browser, name: str) -> Any:
    """The field of an attribute's value in the editor."""
    window.one(".editor")
    names = [each.get_attribute("value") for each in window.all(".attribute-name")]
    return window.all(".attribute")[names.index(name)].find_element("css selector", ".value input")


def test_only_what_was_touched_is_sent(manage: Browser, server: Server) -> None:
    """Nothing for nothing; one's own category leaves attributes that somebody else has written."""
    tag = server.ask("GET", ITEM).headers["etag"]
    press(manage, "edit", "mug")
    save(manage)
    closed(manage)
    assert server.ask("GET", ITEM).headers["etag"] == tag
    press(manage, "edit", "mug")
    category = manage.one(".editor .field input")
    category.clear()
    category.send_keys("mine")
    server.ask("PATCH", ITEM, {"attributes": {"theirs": 1}, "category": "theirs"})
    save(manage)
    manage.one(".conflict")
    manage.all(".conflict button")[1].click()
    save(manage)
    closed(manage)
    after = item(server)
    assert (after["category"], after["attributes"]) == ("mine", {"theirs": 1})


def test_numbers_that_the_page_cannot_hold_are_refused(manage: Browser, server: Server) -> None:
    """They stay as they are while attributes are not touched, and are never sent rounded."""
    told = {"big": 2**60 + 1, "price": 3}
    server.ask("PATCH", ITEM, {"attributes": told})
    press(manage, "edit", "mug")
    manage.one(".editor .field input").send_keys("!")
    save(manage)
    closed(manage)
    assert (item(server)["category"], item(server)["attributes"]) == ("!things", told)
    press(manage, "edit", "mug")
    value_of(manage, "price").clear()
    value_of(manage, "price").send_keys("4")
    save(manage)
    assert "exactly" in manage.run(_MESSAGE)
    value_of(manage, "big").clear()
    value_of(manage, "big").send_keys("9007199254740993")
    save(manage)
    assert "exactly" in manage.run(_MESSAGE)
    value_of(manage, "big").clear()
    value_of(manage, "big").send_keys("9007199254740991")
    save(manage)
    closed(manage)
    assert item(server)["attributes"] == {"big": 2**53 - 1, "price": 4}


def test_of_two_equal_names_either_can_be_mended(manage: Browser, server: Server) -> None:
    """The first one, too, though the second one was pointed at; or one of them is taken away."""
    server.ask("PATCH", ITEM, {"attributes": {"a": "1", "b": "2"}})
    for mend in ("rename", "remove"):
        press(manage, "edit", "mug")
        manage.one(".attribute")
        first, second = manage.all(".attribute-name")
        second.clear()
        second.send_keys(first.get_attribute("value") or "")
        save(manage)
        assert "this name" in manage.run(_MESSAGE)
        if mend == "rename":
            first.clear()
            first.send_keys("c")
        else:
            manage.one(".attribute button").click()
        save(manage)
        closed(manage)
        wanted = {"c": "1", "a": "2"} if mend == "rename" else {"c": "2"}
        assert item(server)["attributes"] == wanted


def test_a_failed_change_is_tried_again(manage: Browser, server: Server) -> None:
    """By the button beside the error, with what was typed."""
    press(manage, "edit", "mug")
    manage.one(".editor .field input").send_keys("!")
    answer(manage, "PATCH", "Response.json({ detail: 'no disk' }, { status: 500 })")
    save(manage)
    assert manage.one(".editor .failure .title").text == "Something went wrong on the server."
    manage.one(".editor .failure button").click()
    closed(manage)
    assert item(server)["category"] == "!things"


def test_what_is_being_removed_can_not_be_undone(manage: Browser, server: Server) -> None:
    """The way back goes when the time is over; the row does not come back in between."""
    hold(manage, "DELETE")
    press(manage, "delete", "mug")
    manage.one(".undoing")
    held(manage)
    assert not manage.all(".undoing")[0].is_displayed()
    assert "mug" not in listed(manage)
    press(manage, "delete", "hat")
    manage.one("button.undo")
    release(manage)
    manage.until(lambda: server.ask("GET", ITEM).status == 404, "it is not removed")
    manage.one("button.undo").click()
    manage.until(lambda: "hat" in listed(manage), "the other one is not back")
    assert "mug" not in listed(manage)
    assert server.ask("GET", "/v1/collections/shop/items/hat").status == 200


def test_a_refused_key_ends_a_removal_once(window: Browser, server: Server, tmp_path: Path) -> None:
    """A reader without the right is asked for a key once, not per item; then all goes on."""
    state = State(tmp_path / "data")
    keys = KeyStore(state)
    read, write = keys.add("r", Role.READ), keys.add("w", Role.WRITE)
    state.close()
    window.look(*DESKTOP)
    window.load(f"{server.url}/#manage?c=shop")
    window.problems()  # of what was shown before
    enter(window, read)
    window.until(lambda: len(listed(window)) == 4, "the items do not come")
    for row in window.all(".managed")[:3]:
        row.find_element("css selector", "input").click()
    hold(window, "nothing")
    window.one(".remove-chosen").click()
    window.one("dialog")
    window.run("document.querySelector('dialog').close('')")
    told = window.one(".failure")
    assert "2 more were not deleted" in "".join(window.texts(".note p"))
    assert len(asked(window, "DELETE")) == 1
    assert len(listed(window)) == 4
    told.find_element("css selector", "button").click()
    enter(window, write)
    window.until(lambda: left(server, read) == 1, "it is not tried again")
    assert len(listed(window)) == 1
    window.run("sessionStorage.clear()")
    assert window.unexpected(REFUSAL) == []


def left(server: Server, key: str) -> int:
    """How many items there are."""
    headers = {"Authorization": f"Bearer {key}"}
    path = "/v1/collections/shop/items:count"
    return int(server.ask("POST", path, {}, headers).json()["count"])


def enter(window: Browser, key: str) -> None:
    window.one("dialog input").send_keys(key)
    window.one("dialog button[type=submit]").click()
    window.until(lambda: not window.all("dialog"), "the dialog stays")


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
    manage.one(".editor .field input").send_keys("?")
    server.ask("PATCH", path, {"category": f"{HOSTILE}!"})
    save(manage)
    assert f"{HOSTILE}!" in manage.one(".conflict").text
    manage.run("document.querySelector('.editor').close()")
    press(manage, "delete", HOSTILE)
    assert HOSTILE in manage.one(".undoing").text
    assert manage.run("return window.broken") is None
    manage.one("button.undo").click()


def test_letters_that_turn_writing_around_leave_the_rest(manage: Browser, server: Server) -> None:
    """A category with such a letter does not show the attributes after it backwards."""
    server.ask("PATCH", ITEM, {"category": "\u202etxt", "attributes": {"first": 1, "last": 2}})
    manage.load(f"{server.url}/#manage?c=shop")
    manage.until(lambda: len(listed(manage)) == 4, "the items do not come")
    first, last = manage.run(
        "const told = [...document.querySelectorAll('.managed')]"
        ".find((row) => row.item === 'mug').querySelector('.told');"
        "const walk = document.createTreeWalker(told, NodeFilter.SHOW_TEXT);"
        "const left = {};"
        "while (walk.nextNode()) for (const word of ['first', 'last']) {"
        "  const at = walk.currentNode.data.indexOf(word);"
        "  if (at < 0) continue;"
        "  const range = document.createRange();"
        "  range.setStart(walk.currentNode, at); range.setEnd(walk.currentNode, at + word.length);"
        "  left[word] = range.getBoundingClientRect().left;"
        "}"
        "return [left.first, left.last]"
    )
    assert first < last


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
