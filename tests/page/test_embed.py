"""The component for other sites: a shop's page of another origin, in a real browser."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.demo.drawn import draw_catalogue
from mitame.serving.callers.key_store import KeyStore
from mitame.serving.callers.roles import Role
from mitame.serving.state import State
from tests.page.browser import PHONE, REFUSAL, Browser
from tests.page.other_site import Site, other_site
from tests.serving.running_server import Server

EXAMPLE = Path(__file__).parents[2] / "examples" / "embed"
MODULE = "/embed/mitame-similar.js"
HOSTILE = '"><script>window.broken=1</script><img src=x onerror=window.broken=1>'
STATE = "return document.querySelector('mitame-similar').dataset.state"
TILES = """
  const root = document.querySelector('mitame-similar').shadowRoot;
  return [...root.querySelectorAll('li')].map((tile) => ({
    caption: tile.querySelector('.caption').textContent,
    link: tile.querySelector('a')?.href ?? null,
    width: tile.querySelector('img')?.naturalWidth ?? null,
  }));
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of drawn things with names; an item that nothing is like; and one that is alone."""
    folder, data = tmp_path_factory.mktemp("drawn"), tmp_path_factory.mktemp("data")
    drawn = draw_catalogue(folder, count=40, size=160)
    noise = folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8)).save(noise)
    with mitame.open(data) as shop:
        for item in drawn:
            shop.add(item.id, image=item.path, attributes={"name": f"A {item.kind}"})
        shop.add("noise", image=noise)
        shop.add(HOSTILE, image=drawn[0].path, attributes={"name": HOSTILE})
    with mitame.open(data, "alone") as alone:
        alone.add("only", image=drawn[0].path)
    return data


@pytest.fixture(scope="module")
def secret(data: Path) -> str:
    state = State(data)
    try:
        return KeyStore(state).add("shop-page", Role.READ, ["default", "alone"])
    finally:
        state.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    files = {f"/{name}": (EXAMPLE / name).read_text() for name in ("product.html", "shop.css")}
    with other_site(files) as running:
        yield running


@pytest.fixture(scope="module")
def server(data: Path, secret: str, site: Site) -> Iterator[Server]:
    """It lets the shop's pages ask, with a key; the shop's policy lets in what the docs say."""
    with Server(data, "--cors", site.origin) as running:
        site.policy = (
            f"default-src 'none'; script-src {running.url}; connect-src {running.url};"
            " img-src blob:; style-src 'self'; require-trusted-types-for 'script'"
        )
        yield running


@pytest.fixture
def example(server: Server, site: Site, secret: str) -> str:
    """The example's page, with the address and the key put in, as its README says."""
    text = (EXAMPLE / "product.html").read_text()
    assert "http://127.0.0.1:8000" in text
    assert "READ_KEY" in text
    text = text.replace("http://127.0.0.1:8000", server.url).replace("READ_KEY", secret)
    return text.replace('item="mug-1"', 'item="ITEM"')


def shown(window: Browser, site: Site, text: str, *expected: str) -> list[dict[str, Any]]:
    """What the component of a page shows; the page complains of nothing but what is expected."""
    site.files["/product.html"] = text
    window.problems()  # what others have left
    window.driver.get(f"{site.origin}/product.html")
    window.until(lambda: window.run(STATE), "the component says nothing")
    if window.run(STATE) == "shown":
        window.until(lambda: all(each["width"] for each in window.run(TILES)), "no pictures")
    found: list[dict[str, Any]] = window.run(TILES)
    assert window.unexpected(*expected) == []
    return found


@pytest.fixture
def item(data: Path) -> str:
    with mitame.open(data) as shop:
        return next(each.id for each in shop.items() if "mug" in each.id)


def test_the_module_is_for_every_origin(server: Server) -> None:
    """Packed, with a strong tag, kept for an hour, and readable by pages that need no setting."""
    first = server.ask("GET", MODULE, headers={"Accept-Encoding": "gzip", "Origin": "https://a.b"})
    assert first.status == 200
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert len(first.body) < 5_000
    assert b"customElements" in gzip.decompress(first.body)
    asked = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["etag"]}
    assert server.ask("GET", MODULE, headers=asked).status == 304


def test_the_module_is_there_without_the_page(tmp_path: Path) -> None:
    """A server for shops' pages may have no page of its own."""
    with Server(tmp_path / "data", "--no-page") as running:
        assert running.ask("GET", MODULE).status == 200
        assert running.ask("GET", "/").status == 404


def test_it_shows_what_the_server_answers(
    window: Browser, server: Server, site: Site, example: str, item: str, secret: str
) -> None:
    """In its order, with pictures and links, under the shop's policy; the key is in no address."""
    tiles = shown(window, site, example.replace("ITEM", item))
    path = f"/v1/collections/default/items/{item}/similar?limit=8"
    told = server.ask("GET", path, headers={"api-key": secret}).json()["neighbors"]
    near = [each for each in told if each["match"] != "weak"]
    assert near
    assert [each["caption"] for each in tiles] == [each["attributes"]["name"] for each in near]
    assert [each["link"] for each in tiles] == [
        f"{site.origin}/product/{quote(each['id'], safe='')}" for each in near
    ]
    assert window.problems() == []
    asked = window.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert any("/thumbnail" in each for each in asked)
    assert not any(secret in each for each in [*asked, *site.asked])
    assert window.accessibility() == []


def test_a_tag_in_a_name_stays_text(window: Browser, site: Site, example: str, data: Path) -> None:
    """In an id and in an attribute: as caption, as link, and as the item that is asked for."""
    with mitame.open(data) as shop:
        near = shop.similar(HOSTILE, limit=1).neighbors[0].id
    tiles = shown(window, site, example.replace("ITEM", near))
    found = next(each for each in tiles if each["caption"] == HOSTILE)
    assert found["link"].startswith(f"{site.origin}/product/%22%3E%3Cscript%3E")
    script = "document.querySelector('mitame-similar').setAttribute('item', arguments[0])"
    window.run(script, HOSTILE)
    window.until(lambda: window.run(TILES) != tiles and window.run(TILES), "it does not change")
    assert window.run("return window.broken") is None


@pytest.mark.parametrize("template", ["javascript:alert({id})", "{attributes.none}", "data:,{id}"])
def test_what_is_no_address_is_no_link(
    window: Browser, site: Site, example: str, item: str, template: str
) -> None:
    """Script, data, and an attribute that items lack: they are shown, and lead nowhere."""
    text = example.replace("ITEM", item).replace("/product/{id}", template)
    tiles = shown(window, site, text)
    assert tiles
    assert {each["link"] for each in tiles} == {None}


@pytest.mark.parametrize(
    ("item", "changes", "why"),
    [
        ("only", {'collection="default"': 'collection="alone"'}, "empty"),
        ("noise", {}, "empty"),
        ("no-such-item", {}, "failed"),
        ("noise", {'key="': 'key="wrong'}, "failed"),
        ("noise", {"<mitame-similar": '<mitame-similar server="http://127.0.0.1:9"'}, "failed"),
    ],
)
def test_it_is_quiet(
    window: Browser, site: Site, example: str, item: str, changes: dict[str, str], why: str
) -> None:
    """Nothing alike, only weak ones, no such item, a wrong key, no server: it takes no room."""
    for before, after in changes.items():
        assert before in example
        example = example.replace(before, after)
    if "127.0.0.1:9" in example:
        site.policy = site.policy.replace("connect-src", "connect-src http://127.0.0.1:9")
    expected = [REFUSAL, "net::ERR_"] if why == "failed" else []
    assert shown(window, site, example.replace("ITEM", item), *expected) == []
    assert window.run(STATE) == why
    height = "return document.querySelector('mitame-similar').getBoundingClientRect().height"
    assert window.run(height) == 0
    assert window.one("h1").text != ""
    assert [each for each in window.all("h2") if each.is_displayed()] == []


def test_weak_ones_are_shown_where_they_are_wanted(
    window: Browser, site: Site, example: str
) -> None:
    """So that the test of silence above was about the word, not about an answer without items."""
    text = example.replace("ITEM", "noise").replace("<mitame-similar", "<mitame-similar weak")
    assert len(shown(window, site, text)) == 8


def test_it_asks_only_when_it_comes_near(
    window: Browser, site: Site, example: str, item: str
) -> None:
    """Far below it asks nothing; scrolled to, it does, and tells its page of it."""
    spacer = '<div class="far"></div>'
    site.files["/shop.css"] = ".far { height: 9000px }"
    text = example.replace("ITEM", item).replace("<mitame-similar", f"{spacer}<mitame-similar")
    site.files["/product.html"] = text
    window.driver.get(f"{site.origin}/product.html")
    window.until(lambda: window.run("return !!customElements.get('mitame-similar')"), "no module")
    frames = "const end = arguments[0]; requestAnimationFrame(() => setTimeout(end, 300))"
    window.driver.execute_async_script(frames)
    assert window.run(STATE) is None
    window.run(
        "window.told = [];"
        "document.addEventListener('similar-shown', ({ detail }) => told.push(detail.ids));"
        "document.addEventListener('similar-chosen', (event) => {"
        "  told.push(event.detail.id); event.preventDefault(); });"
        "scrollTo(0, 9000)"
    )
    window.until(lambda: window.run(STATE) == "shown", "it does not ask")
    window.run("document.querySelector('mitame-similar').shadowRoot.querySelector('a').click()")
    ids, chosen = window.run("return window.told")
    assert chosen == ids[0]
    assert window.driver.current_url == f"{site.origin}/product.html"
    site.files["/shop.css"] = (EXAMPLE / "shop.css").read_text()


def test_it_fits_a_phone(window: Browser, site: Site, example: str, item: str) -> None:
    """Two columns, nothing beside the screen, and thumbnails no larger than they are shown."""
    window.look(*PHONE, touch=True)
    tiles = shown(window, site, example.replace("ITEM", item))
    assert window.run("return document.documentElement.scrollWidth") == PHONE[0]
    columns = (
        "const list = document.querySelector('mitame-similar').shadowRoot.querySelector('ul');"
        "return getComputedStyle(list).gridTemplateColumns.split(' ').length"
    )
    assert window.run(columns) == 2
    assert {each["width"] for each in tiles} <= {128, 160, 192}
    assert window.accessibility() == []
