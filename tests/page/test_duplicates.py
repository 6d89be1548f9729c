"""Near-copies decided on, and two pictures compared, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mitame
from mitame.demo.drawn import DrawnItem
from tests.page.acting import press
from tests.page.browser import DESKTOP, PHONE, Browser
from tests.page.requests import held, hold, release
from tests.serving.running_server import Server

SHOP = "/v1/collections/shop/duplicates"
HOSTILE = "<img src=x onerror=alert(1)>"
TWINS = 3


@pytest.fixture
def server(tmp_path: Path, drawn: list[DrawnItem]) -> Iterator[Server]:
    """Ten drawn pictures, three of them twice: a copy is a little brighter."""
    own = [each for each in drawn if each.id.endswith("-1")][::8][:10]
    with mitame.open(tmp_path, "shop", lenses={"look": "efficientnet-lite0"}) as shop:
        for number, item in enumerate(own):
            shop.add(f"{number}{HOSTILE}", image=item.path, category=item.kind)
            if number < TWINS:
                copy = tmp_path / f"copy{number}.png"
                picture = Image.open(item.path).convert("RGB")
                picture.point(lambda tone: min(255, tone + 3)).save(copy)
                shop.add(f"{number}-copy", image=copy)
    mitame.open(tmp_path, "none", lenses={"own": "vectors:8"}).close()
    with Server(tmp_path) as running:
        yield running


@pytest.fixture
def page(spoken: Browser, server: Server) -> Iterator[Browser]:
    """The groups; after the test nothing must have been complained of."""
    spoken.look(*DESKTOP)
    opened(spoken, server)
    with spoken.watched():
        yield spoken


def opened(window: Browser, server: Server, parameters: str = "c=shop") -> None:
    window.load(f"{server.url}/#duplicates?{parameters}")
    window.until(lambda: window.all(".group, .nothing"), "no groups come")


def decided(server: Server) -> list[tuple[str, str]]:
    told = server.ask("GET", f"{SHOP}/decisions").json()["decisions"]
    return [(each["ids"][0][0], each["value"]) for each in told]


def test_groups_are_decided_and_undone(page: Browser, server: Server) -> None:
    """By mouse and keys; the focus goes on; the server keeps it, so a reload leaves them out."""
    assert len(page.all(".group")) == TWINS
    assert page.texts(".group:first-child .id") == ["0-copy", f"0{HOSTILE}"]
    page.all("[data-verdict=same]")[0].click()
    page.until(lambda: decided(server) == [("0", "same")], "nothing is kept")
    page.until(
        lambda: (
            page.run("return document.activeElement.closest('.group')?.previousSibling") is not None
        ),
        "the focus does not go on",
    )
    press(page, "d")
    page.until(lambda: decided(server) == [("0", "same"), ("1", "different")], "no key decides")
    page.all(".group[data-decided=same] .actions button")[0].click()
    page.until(lambda: decided(server) == [("1", "different")], "it is not undone")
    page.driver.refresh()
    page.until(lambda: len(page.all(".group")) == TWINS - 1, "a decided group is still there")
    page.choose(".duplicates .head select", "decided")
    page.until(lambda: page.texts(".group .id") == ["1-copy", f"1{HOSTILE}"], "it is not shown")
    assert "show=decided" in page.driver.current_url


def test_why_two_are_alike(page: Browser, server: Server) -> None:
    """Both pictures with their parts, distances, neighbours; keys point at a part and its like."""
    pair = {"id": "0-copy", "other": f"0{HOSTILE}"}
    patches = server.ask("POST", "/v1/collections/shop/compare", pair).json()["patches"]
    page.all(".group .actions a")[0].click()
    page.until(lambda: page.all(".seen[tabindex]"), "no parts are known")
    page.painted()
    assert page.texts(".side-by .id") == ["0-copy", f"0{HOSTILE}"]
    assert page.run("return [...document.querySelectorAll('.seen canvas')].every((c) => !c.hidden)")
    assert page.texts(".compare tbody th") == ["look"]
    page.run("document.querySelector('.seen').focus()")
    press(page, "Arrow_right", "Arrow_right", "Arrow_down", "Arrow_down")
    page.until(lambda: page.texts(".side-by .unseen")[0], "nothing is said")
    row, column = 2, 1  # the first arrow leads to the first part
    match = divmod(patches["first"]["match"][row][column], len(patches["second"]["match"][0]))
    told = [float(each) for each in re.findall(r"[0-9.]+", page.texts(".side-by .unseen")[0])]
    value = round(patches["first"]["similarity"][row][column], 2)
    assert told == [row + 1, column + 1, value, match[0] + 1, match[1] + 1]
    assert marks(page) == [
        pytest.approx(cell_of(patches["first"], row, column), abs=0.01),
        pytest.approx(cell_of(patches["second"], *match), abs=0.01),
    ]
    assert page.accessibility() == []
    page.choose(".compare .tools select", "none")
    page.until(
        lambda: page.run("return document.querySelector('.seen canvas').hidden"), "colours stay"
    )
    assert "heat=none" in page.driver.current_url


def marks(page: Browser) -> list[list[float] | None]:
    """Where the marks of both pictures lie, and their sizes, in percent; None where hidden."""
    found: list[list[float] | None] = page.run(
        "return [...document.querySelectorAll('.part-mark')].map(({ hidden, style }) => (hidden"
        " ? null : ['left', 'top', 'width', 'height'].map((each) => parseFloat(style[each]))))"
    )
    return found


def cell_of(grid: dict[str, Any], row: int, column: int) -> list[float]:
    """Where a part of a grid lies, in percent."""
    left, top, right, bottom = (100 * each for each in grid["box"])
    across = (right - left) / len(grid["match"][0])
    down = (bottom - top) / len(grid["match"])
    return [left + column * across, top + row * down, across, down]


def test_an_answer_leads_to_why(page: Browser, server: Server) -> None:
    """From the answer to an item, each tile; from several examples, none."""
    page.open(f"{server.url}/#search?c=shop&like=id:0-copy")
    link = page.run("return document.querySelector('.signs a').getAttribute('href')")
    assert link.startswith("#why?c=shop&a=0-copy&b=")
    page.open(f"{server.url}/#search?c=shop&like=id:0-copy&like=id:1-copy")
    assert page.all(".signs a") == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(spoken: Browser, server: Server, dark: bool) -> None:
    """In both themes, both languages, on a phone and a wide screen; nothing scrolls sideways."""
    decide = {"ids": ["0-copy", f"0{HOSTILE}"], "value": "different"}
    assert server.ask("POST", f"{SHOP}:decide", decide).status == 200
    for size in (DESKTOP, PHONE):
        spoken.look(*size, dark=dark, touch=size == PHONE)
        for parameters in ("c=shop&show=allGroups", "c=none"):
            opened(spoken, server, parameters)
            assert spoken.barriers() == [], (size, parameters)
        spoken.driver.get(f"{server.url}/#why?c=shop&a=0-copy&b=1-copy")
        spoken.until(lambda: spoken.all(".seen[tabindex]"), "no parts are known")
        assert spoken.barriers() == [], size


def test_what_is_missing_is_said(spoken: Browser, server: Server) -> None:
    """Two that are not named, or not there."""
    for parameters, what in (("c=shop", ".nothing"), ("c=shop&a=0-copy&b=none", ".failure")):
        spoken.load(f"{server.url}/#why?{parameters}")
        assert spoken.one(what).text


def test_an_overtaken_comparison_is_not_shown(page: Browser, server: Server) -> None:
    """Back to a pair while another one is still asked for: the address is what is shown."""
    page.load(f"{server.url}/#why?c=shop&a=0-copy&b=1-copy")
    page.until(lambda: page.texts(".side-by .id") == ["0-copy", "1-copy"], "nothing is compared")
    hold(page, "compare")
    page.run("location.hash = 'why?c=shop&a=0-copy&b=2-copy'")
    held(page)
    page.driver.back()
    held(page, 2)
    release(page)
    page.until(lambda: page.texts(".side-by .id") == ["0-copy", "1-copy"], "another one is shown")
    page.until(lambda: page.all(".seen[tabindex]"), "no parts are known")
    assert page.texts(".side-by .id") == ["0-copy", "1-copy"]
