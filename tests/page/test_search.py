"""Search by looking, in a real browser against a real server: every way to ask, and the address."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest
from PIL import Image

from mitame.demo.drawn import DrawnItem
from tests.images.sources.server import serving
from tests.page import requests
from tests.page.acting import changed, draw_box, drop, paste, press, touch_box
from tests.page.browser import PHONE, Browser
from tests.page.requests import watch
from tests.serving.item_server import form
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

QUERY = "/v1/collections/default/query"
ITEMS = "/v1/collections/default/items"


def asked(page: Browser) -> dict[str, list[str]]:
    """What the address asks."""
    return parse_qs(page.driver.current_url.partition("?")[2])


def other(drawn: list[DrawnItem], kind: str) -> DrawnItem:
    """A picture of a design of this kind, which the shop knows from another side."""
    return next(each for each in drawn if each.kind == kind and each.id.endswith("-2"))


def first_of(item: DrawnItem) -> str:
    """The id that the shop has the design under."""
    return item.id.removesuffix("-2") + "-1"


def test_it_begins_with_pictures_at_random(page: Browser) -> None:
    """The same after a reload, others when asked for, and the former ones when going back."""
    first = page.ids()
    assert len(first) == 24
    whole = "return [...document.querySelectorAll('.grid img')].slice(0, 8)"
    whole += ".every((image) => image.naturalWidth)"
    page.until(lambda: page.run(whole), "there are no pictures")
    page.driver.refresh()
    page.settled()
    assert page.ids() == first
    page.one(".tools button").click()
    page.until(lambda: page.ids() not in ([], first), "no others")
    others = page.ids()
    page.driver.back()
    page.until(lambda: page.ids() == first, "back shows others")
    page.driver.forward()
    page.until(lambda: page.ids() == others, "forward shows others")


@pytest.mark.parametrize("way", ["drop", "choose", "paste"])
def test_a_picture_finds_its_neighbours(page: Browser, drawn: list[DrawnItem], way: str) -> None:
    """The design that it shows comes first, called the same or similar; reload asks it again."""
    item = other(drawn, "teapot")
    if way == "drop":
        drop(page, item.path)
    elif way == "choose":
        page.all(".by-picture input")[0].send_keys(str(item.path))
        changed(page)
    else:
        file = io.BytesIO()
        Image.open(item.path).save(file, "PNG")
        paste(page, file=file.getvalue())
    found = page.ids()
    assert found[0] == first_of(item)
    assert page.texts(".match")[0] in ("same", "similar")
    assert page.run("return document.querySelector('.stage img').naturalWidth") == 200
    page.driver.refresh()
    page.settled()
    assert page.ids() == found


def test_the_answer_is_the_servers(page: Browser, shop: Server, drawn: list[DrawnItem]) -> None:
    """Order, scores, words and categories are those that the API tells of the same question."""
    item = next(each for each in drawn if each.id.endswith("-1"))
    page.open(f"{shop.url}/#search?like=id:{item.id}&limit=12")
    told = shop.ask("POST", QUERY, {"id": item.id, "limit": 12}).json()["neighbors"]
    assert page.ids() == [each["id"] for each in told]
    assert page.texts(".match") == [each["match"] for each in told]
    assert page.texts(".score") == [f"{each['score']:.2f}" for each in told]
    assert page.texts(".caption .category") == [each["category"] for each in told]


def test_every_answer_leads_to_more_like_it(page: Browser, shop: Server) -> None:
    """A click asks with it; back shows the former answer, at once; the address does for others."""
    start = page.ids()
    page.one(".grid .tile-link").click()
    changed(page)
    first = page.ids()
    assert asked(page)["like"] == [f"id:{start[0]}"]
    assert start[0] not in first
    page.one(".grid .tile-link").click()
    page.until(lambda: asked(page)["like"] == [f"id:{first[0]}"], "it does not lead on")
    page.settled()
    second, address = page.ids(), page.driver.current_url
    page.driver.back()
    page.until(lambda: page.ids() == first, "back does not show the former answer")
    page.open(address)
    assert page.ids() == second


def test_examples_for_and_against(page: Browser, shop: Server) -> None:
    """Plus and minus ask as the API does; a sign can be turned, an example taken away."""
    ids = page.ids()
    page.run("arguments[0].querySelectorAll('.signs button')[0].click()", page.one(".grid .tile"))
    changed(page)
    assert asked(page)["like"] == [f"id:{ids[0]}"]
    against = page.ids()[5]
    sign = page.all(".grid .tile")[5].find_elements("css selector", ".signs button")[1]
    page.run("arguments[0].click()", sign)
    page.until(lambda: asked(page).get("unlike") == [f"id:{against}"], "it is not asked against")
    a, b, c = ids[:3]
    page.open(f"{shop.url}/#search?like=id:{a}&like=id:{b}&unlike=id:{c}")
    body = {"positive": [{"id": a}, {"id": b}], "negative": [{"id": c}], "limit": 24}
    assert page.ids() == told_ids(shop, body)
    page.one(".several .unlike .sign").click()
    body = {"positive": [{"id": a}, {"id": b}, {"id": c}], "limit": 24}
    page.until(lambda: page.ids() == told_ids(shop, body), "the sign is not turned")
    page.one(".several .remove").click()
    body = {"positive": [{"id": b}, {"id": c}], "limit": 24}
    page.until(lambda: page.ids() == told_ids(shop, body), "the example is not taken away")


def told_ids(shop: Server, body: dict[str, object]) -> list[str]:
    return [each["id"] for each in shop.ask("POST", QUERY, body).json()["neighbors"]]


@pytest.fixture
def two(drawn: list[DrawnItem], tmp_path: Path) -> tuple[Path, DrawnItem, DrawnItem]:
    """A picture with two things in it: left and right."""
    left, right = other(drawn, "sofa"), other(drawn, "clock")
    both = Image.new("RGB", (400, 200))
    both.paste(Image.open(left.path), (0, 0))
    both.paste(Image.open(right.path), (200, 0))
    path = tmp_path / "two.png"
    both.save(path)
    return path, left, right


def test_a_box_asks_about_a_part(page: Browser, two: tuple[Path, DrawnItem, DrawnItem]) -> None:
    """Drawn left it finds what is left, drawn right what is right; back and reload keep it."""
    path, left, right = two
    drop(page, path)
    stage = page.one(".stage")
    draw_box(page, stage, (0.02, 0.02, 0.49, 0.98))
    page.until(lambda: page.ids()[0] == first_of(left), "the left thing is not found")
    draw_box(page, stage, (0.98, 0.98, 0.52, 0.02))
    page.until(lambda: page.ids()[0] == first_of(right), "the right thing is not found")
    assert [round(float(each), 1) for each in asked(page)["box"][0].split(",")] == [0.5, 0, 1, 1]
    page.driver.refresh()
    page.settled()
    assert page.ids()[0] == first_of(right)
    assert page.one(".box").is_displayed()
    page.driver.back()
    page.until(lambda: page.ids()[0] == first_of(left), "back does not bring the box back")
    page.one(".part").click()
    page.until(lambda: "box" not in asked(page), "the box is not taken away")


def test_a_box_with_a_finger(page: Browser, two: tuple[Path, DrawnItem, DrawnItem]) -> None:
    """Only once it was asked for: else a finger on the picture scrolls the page."""
    path, _, right = two
    page.look(*PHONE, touch=True)
    drop(page, path)
    stage = page.one(".stage")
    touch_box(page, stage, (0.55, 0.1, 0.95, 0.9))
    assert "box" not in asked(page)
    page.one(".part").click()
    page.until(lambda: "box" in asked(page), "no box to begin with")
    page.settled()
    page.run("arguments[0].scrollIntoView({ block: 'center' })", stage)
    touch_box(page, stage, (0.53, 0.02, 0.98, 0.98))
    page.until(lambda: page.ids()[0] == first_of(right), "the right thing is not found")


def test_a_box_over_an_items_picture(page: Browser, shop: Server) -> None:
    """An item's part can be asked about, too; the item itself is not in the answer."""
    item, box = page.ids()[0], [0.5, 0.0, 1.0, 0.5]
    page.open(f"{shop.url}/#search?like=id:{item}&box={','.join(map(str, box))}")
    assert item not in page.ids()
    assert page.one(".box").is_displayed()
    thumbnail = shop.ask("GET", f"{ITEMS}/{item}/thumbnail?side=1024").body
    query = json.dumps({"limit": 25, "region": box}).encode()
    body, headers = form(("image", "image/jpeg", thumbnail), ("query", "application/json", query))
    answer = shop.ask("POST", QUERY, body, headers).json()["neighbors"]
    right = [each["id"] for each in answer if each["id"] != item][:24]
    assert page.ids() == right != told_ids(shop, {"id": item, "limit": 24})


def test_filters(page: Browser, shop: Server) -> None:
    """Values with their counts; answers keep to them; counts follow other filters; back undoes."""
    item = page.ids()[0]
    page.open(f"{shop.url}/#search?like=id:{item}&limit=48")
    body = {"keys": ["category"], "limit": 8}
    facets = shop.ask("POST", "/v1/collections/default/items:facets", body).json()["facets"]
    counts = {each["value"]: each["count"] for each in facets[0]["values"]}
    values = page.texts("fieldset:first-of-type .value")
    numbers = map(int, page.texts("fieldset:first-of-type .count"))
    assert dict(zip(values, numbers, strict=True)) == counts
    page.one("fieldset .choice-row label").click()
    page.until(lambda: set(page.texts(".caption .category")) == {values[0]}, "it filters nothing")
    assert json.loads(asked(page)["where"][0]) == [["category", [values[0]]]]

    def of_colours() -> int:
        return sum(map(int, page.texts("fieldset:nth-of-type(2) .count")))

    page.until(lambda: of_colours() == counts[values[0]], "counts don't follow the other filter")
    page.driver.back()
    page.until(lambda: len(set(page.texts(".caption .category"))) > 1, "back does not undo")
    assert not page.run("return document.querySelector('fieldset input').checked")


def test_a_range_of_numbers(page: Browser, shop: Server) -> None:
    """Prices up to a bound, in the answer and in the pictures at random."""
    field = page.one("fieldset .bound:last-child input")
    field.send_keys("3000\n")
    page.until(lambda: "where" in asked(page), "nothing was filtered")
    page.settled()
    where = {"must": [{"key": "price", "range": {"lte": 3000}}]}
    passing = shop.ask("POST", "/v1/collections/default/items:scroll", {"filter": where}).json()
    ids = {each["id"] for each in passing["items"]}
    page.until(lambda: page.ids() and set(page.ids()) <= ids, "some are dearer")
    assert 0 < len(ids) < 80
    page.one(".filters-head button").click()
    page.until(lambda: "where" not in asked(page), "filters are not cleared")


def test_an_id_is_suggested_and_found(page: Browser) -> None:
    """Some letters, arrow down, Enter."""
    press(page, "/", *"teapot-")
    page.until(lambda: page.texts("[role=option]"), "nothing is suggested")
    suggested = page.texts("[role=option]")
    assert all(each.startswith("teapot-") for each in suggested)
    press(page, "Arrow_down", "Arrow_down")
    assert page.run("return document.activeElement.getAttribute('aria-activedescendant')")
    press(page, "Enter")
    changed(page)
    assert asked(page)["like"] == [f"id:{suggested[1]}"]


def test_the_address_of_a_picture(page: Browser, drawn: list[DrawnItem]) -> None:
    """Pasted or typed: the server fetches it; the page itself connects to nobody else."""
    with serving() as site:
        paste(page, text=f"{site.url}/ok")
        assert asked(page)["like"] == [f"url:{site.url}/ok"]
        assert len(page.ids()) == 24
        typed = f"{site.url}/ok?again=1"
        press(page, "/", *typed, "Enter")
        page.until(lambda: asked(page)["like"] == [f"url:{typed}"], "it is not asked")
        page.settled()
        assert len(page.ids()) == 24


@pytest.fixture
def copied(shop: Server, drawn: list[DrawnItem]) -> Iterator[str]:
    """An item that has a copy, and whose nearest neighbour has one, too."""
    item = next(each for each in drawn if each.id.endswith("-1"))
    near = told_ids(shop, {"id": item.id, "lens": "color", "limit": 1})[0]
    paths = {each.id: each.path for each in drawn}
    for name in (item.id, near):
        sent = paths[name].read_bytes(), {"Content-Type": "image/png"}
        assert shop.ask("PUT", f"{ITEMS}/{name}-copy", *sent).status == 200
    yield item.id
    for name in (item.id, near):
        assert shop.ask("DELETE", f"{ITEMS}/{name}-copy").status == 204


def test_lens_limit_and_copies_are_in_the_address(page: Browser, shop: Server, copied: str) -> None:
    """Each choice changes the answer as the API's does, and is kept by a reload."""
    item = copied
    page.open(f"{shop.url}/#search?like=id:{item}")
    page.choose(".places .choice:last-child select", "color")
    body: dict[str, object] = {"id": item, "lens": "color", "limit": 24}
    page.until(lambda: page.ids() == told_ids(shop, body), "the lens changes nothing")
    page.choose(".tools select", "12")
    page.until(lambda: len(page.ids()) == 12, "the limit does nothing")
    page.one(".tools input").click()
    page.until(lambda: asked(page).get("once") == ["true"], "copies are still shown")
    once = told_ids(shop, body | {"limit": 12, "collapse": True})
    assert once != told_ids(shop, body | {"limit": 12})
    page.until(lambda: page.ids() == once, "copies are still shown")
    page.driver.refresh()
    page.settled()
    assert page.ids() == once


def test_an_unreliable_answer_says_so(page: Browser, tmp_path: Path) -> None:
    """A picture of nothing: no match is pretended; it is told to screen readers, too."""
    nothing = tmp_path / "nothing.png"
    Image.effect_noise((64, 64), 90).convert("RGB").save(nothing)
    drop(page, nothing)
    assert "No reliable match" in page.one(".warn").text
    assert set(page.texts(".match")) == {"weak"}
    assert "No reliable match" in page.texts(".results [role=status]")[0]


def test_an_empty_collection_says_how_to_fill_it(page: Browser, shop: Server) -> None:
    """With the very command."""
    page.open(f"{shop.url}/#search?c=empty")
    assert page.texts(".nothing code") == ["mitame index ~/Pictures --collection empty"]


def test_what_is_indexed_meanwhile_appears(
    window: Browser, drawn: list[DrawnItem], tmp_path: Path
) -> None:
    """A page that was opened before there was anything fills by itself."""
    with limited_server(tmp_path, limits={}) as running:
        window.forget(running.url)
        window.open(running.url)
        assert window.texts(".nothing h2") == ["There is no collection yet"]
        made = running.ask("PUT", "/v1/collections/new", {"lenses": {"color": "color"}})
        assert made.status == 201
        empty = ["This collection is empty"]
        window.until(lambda: window.texts(".nothing h2") == empty, "the collection is missed")
        file = {"Content-Type": "image/jpeg"}
        path = "/v1/collections/new/items/a"
        assert running.ask("PUT", path, drawn[0].path.read_bytes(), file).status == 200
        window.until(lambda: window.ids() == ["a"], "the item is missed")
    assert window.problems() == []


def test_a_file_of_another_browser_is_missed(page: Browser, shop: Server) -> None:
    """An address with a picture that is not here says what to do."""
    page.open(f"{shop.url}/#search?like=file:abc")
    assert "another browser" in page.one(".nothing").text


@pytest.mark.parametrize(
    ("query", "title", "detail"),
    [
        ("like=id:nothing-like-it", "There is no such thing here.", "no item"),
        ("like=id:x&c=nothing", "There is no such thing here.", "no collection"),
        ("where=" + quote('[["price",{"lt":[]}]]'), "The server could not use that.", "filter"),
    ],
)
def test_errors_are_told_in_place(
    page: Browser, shop: Server, query: str, title: str, detail: str
) -> None:
    """In the reader's words and the server's; the page goes on."""
    page.open(f"{shop.url}/#search?{query}")
    told = page.one(".failure").text
    assert title in told
    assert detail in told
    page.problems()  # the browser itself logs each 4xx
    page.open(shop.url)
    assert len(page.ids()) == 24


def test_a_broken_file_is_refused_in_place(page: Browser, tmp_path: Path) -> None:
    """The server says what is wrong with it; the next picture works."""
    broken = tmp_path / "broken.jpg"
    broken.write_text("not a picture")
    drop(page, broken)
    assert page.one(".failure .title").text == "That is not a picture that can be read."
    page.problems()


def test_each_draw_is_another_one_and_asked_for_once(page: Browser) -> None:
    """Others are others every time; each is kept as it was drawn, so going back asks nothing."""
    page.until(lambda: "seed" in asked(page), "the draw is not named")
    page.settled()
    watch(page)
    draws = [(asked(page)["seed"], page.ids())]
    for count in (1, 2, 3):
        former = page.driver.current_url
        page.one(".tools button").click()
        page.until(partial(is_drawn, page, former), "no others")
        page.settled()
        draws.append((asked(page)["seed"], page.ids()))
        assert len(requests.asked(page, "items:random")) == count
    assert len({tuple(ids) for _, ids in draws}) == 4
    page.driver.back()
    page.until(lambda: (asked(page)["seed"], page.ids()) == draws[2], "back shows others")
    assert len(requests.asked(page, "items:random")) == 3


def is_drawn(page: Browser, former: str) -> bool:
    return page.driver.current_url != former and "seed" in asked(page)


def test_more_files_than_are_kept_are_said(page: Browser, tmp_path: Path) -> None:
    """The first 24 ask; the next question is about itself again."""
    paths = [tmp_path / f"{number}.png" for number in range(26)]
    for number, path in enumerate(paths):
        Image.new("RGB", (24, 24), (9 * number, 120, 60)).save(path)
    page.all(".by-picture input")[0].send_keys("\n".join(map(str, paths)))
    changed(page)
    assert "only the first 24 of 26" in page.one(".note[role=status]").text
    assert len(asked(page)["like"]) == 24
    page.one(".tile-link").click()
    page.until(lambda: len(asked(page)["like"]) == 1, "it is not asked")
    page.settled()
    assert page.texts(".note[role=status]") == [""]


def test_a_server_that_fails_is_told_so(page: Browser) -> None:
    """Its own failure is not the reader's; what is no JSON is not taken for an answer."""
    for script, title in (
        (
            "Response.json({ detail: 'odd' }, { status: 500 })",
            "Something went wrong on the server.",
        ),
        ("new Response('<html>')", "Something went wrong on the server."),
        ("new Response('', { status: 502 })", "The server does not answer."),
    ):
        requests.answer(page, "items:random", script)
        page.one(".tools button").click()
        page.until(partial(is_told, page, title), "it is not told")
        page.one(".failure button").click()
        page.until(page.ids, "it is not tried again")
        page.settled()


def is_told(page: Browser, title: str) -> bool:
    return page.texts(".failure .title") == [title]
