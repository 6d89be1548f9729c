"""The map in a real browser: what lies where, moving and coming closer, keys, fingers, speed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import mitame
from mitame.collection import Item, ItemImage, Put
from tests.page.acting import press
from tests.page.browser import DESKTOP, PHONE, Browser, browser
from tests.page.requests import asked, held, hold, release
from tests.serving.running_server import Server

MANY = 100_000
GROUPS = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``few`` has three groups that are laid out, and hostile names; ``many`` has 100,000 items."""
    made = tmp_path_factory.mktemp("map")
    rng = np.random.default_rng(3)
    with mitame.open(made, "few", lenses={"own": "vectors:8"}) as few:
        for number in range(90):
            vector = np.eye(8)[number % 3] + rng.normal(0, 0.05, 8)
            category = ("mug", "<b>hat</b>", None)[number % 3]
            few.add(f"<img src=x onerror=alert(1)>{number}", vector=vector, category=category)
        few.store.merge()
    mitame.open(made, "none", lenses={"own": "vectors:8"}).close()
    middles = rng.normal(size=(GROUPS, 16))
    with mitame.open(made, "many", lenses={"own": "vectors:16"}) as many:
        for start in range(0, MANY, 5_000):
            rows = middles[np.arange(start, start + 5_000) % GROUPS]
            rows = (rows + rng.normal(0, 0.3, rows.shape)).astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            many.store.append(
                [
                    Put(Item(f"{start + n}", f"group {n % GROUPS}", {}, (ItemImage({"own": row}),)))
                    for n, row in enumerate(rows)
                ]
            )
    return made


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    with Server(data) as running:
        yield running


@pytest.fixture
def page(spoken: Browser, server: Server) -> Iterator[Browser]:
    """The map of ``few``; the pictures that are not kept are all that is complained of."""
    spoken.look(*DESKTOP)
    opened(spoken, server)
    with spoken.watched("/thumbnail", "getImageData"):  # the tests' own reading
        yield spoken


def opened(window: Browser, server: Server, parameters: str = "c=few") -> None:
    window.load(f"{server.url}/#map?{parameters}")
    window.until(lambda: window.run("return document.querySelector('.map-picture')"), "no map")


def at(page: Browser) -> str:
    """What of the map the address says is seen; empty for all of it."""
    fragment = urlsplit(page.driver.current_url).fragment
    return parse_qs(urlsplit(fragment).query).get("at", [""])[0]


def seen(page: Browser) -> str:
    """The canvas as a short text, which is another for another picture."""
    page.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 60))")
    found: str = page.run(
        "const c = document.querySelector('canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let h = 0; for (let i = 0; i < d.length; i += 4) if (d[i + 3])"
        " h = (h * 31 + i + d[i]) | 0; return String(h)"
    )
    return found


def test_it_shows_what_there_is(page: Browser) -> None:
    """How many, which categories with how many each, pictures that lead to what is like them."""
    assert "90" in page.one(".map .facts").text
    told = page.texts(".legend .value")
    assert told[:2] == ["<b>hat</b>", "mug"] or told[:2] == ["mug", "<b>hat</b>"]
    assert page.texts(".legend .count") == ["30", "30", "30"]
    link = page.run("return document.querySelector('.map-picture').getAttribute('href')")
    assert link.startswith("#search?c=few&like=id%3A%3Cimg")
    assert page.run("return document.querySelector('.plane img[src=x]')") is None


def test_long_categories_keep_their_counts_in_sight(page: Browser) -> None:
    """A name that is too long is cut, not the number beside it."""
    page.run("document.querySelector('.legend .value').textContent = 'a'.repeat(200)")
    outside = page.run(
        "const edge = document.querySelector('.legend').getBoundingClientRect().right;"
        "return [...document.querySelectorAll('.legend .count')]"
        ".filter((one) => one.getBoundingClientRect().right > edge).length"
    )
    assert outside == 0


def test_moving_and_coming_closer(page: Browser) -> None:
    """By wheel, drag and buttons; the address remembers it, so reload shows it again."""
    whole = seen(page)
    press_wheel(page, -400)
    closer = seen(page)
    assert closer != whole
    page.until(lambda: at(page) != "", "the address says nothing")
    before = at(page)
    drag(page, 80, 40)
    moved = seen(page)
    assert moved not in (whole, closer)
    page.until(lambda: at(page) != before, "the address does not follow")
    where, moved = at(page), seen(page)
    page.driver.refresh()
    page.until(lambda: page.run("return document.querySelector('.map-picture')"), "no map")
    assert seen(page) == moved
    assert at(page) == where
    page.all(".map-tools button")[2].click()
    assert seen(page) == whole
    page.until(lambda: at(page) == "", "the address says where one was")


def test_keys_alone_are_enough(page: Browser) -> None:
    """Plus, minus, arrows and 0 on the map; Tab leads to the pictures, Enter follows one."""
    whole = seen(page)
    page.run("document.querySelector('.plane').focus()")
    press(page, "+", "+")
    closer = seen(page)
    assert closer != whole
    press(page, "Arrow_left")
    assert seen(page) not in (whole, closer)
    press(page, "0")
    assert seen(page) == whole
    press(page, "Tab")
    assert "map-picture" in page.run("return document.activeElement.className")
    press(page, "Enter")
    page.until(lambda: "#search?c=few&like=" in page.driver.current_url, "nothing is followed")


def test_a_category_alone(page: Browser) -> None:
    """Pressed, only its points are there; pressed again, all are."""
    whole = seen(page)
    page.all(".legend button")[0].click()
    alone = seen(page)
    assert alone != whole
    assert page.run("return document.activeElement.getAttribute('aria-pressed')") == "true"
    page.run("document.activeElement.click()")
    assert seen(page) == whole


def test_a_point_says_what_it_is(page: Browser) -> None:
    """Under the pointer its id and category as text; a click asks what is like it."""
    press_wheel(page, -3_000)
    page.until(lambda: page.all(".map-picture"), "no picture")
    place = page.run(
        "const [a, b] = [document.querySelector('.map-picture'), document.querySelector('.plane')]"
        ".map((one) => one.getBoundingClientRect());"
        "return [a.x - b.x + a.width / 2, a.y - b.y + a.height / 2]"
    )
    page.run(
        "const [x, y] = arguments; const plane = document.querySelector('.plane');"
        "const box = plane.getBoundingClientRect();"
        "for (const kind of ['pointermove', 'pointerdown', 'pointerup']) {"
        " if (kind === 'pointerdown')"
        "  window.label = document.querySelector('.map-label').textContent;"
        " plane.dispatchEvent(new PointerEvent(kind, { clientX: box.x + x, clientY: box.y + y,"
        " pointerId: 1, button: 0, bubbles: true })); }",
        *place,
    )
    assert "<img src=x onerror=alert(1)>" in page.run("return window.label")
    page.until(lambda: "#search?c=few&like=" in page.driver.current_url, "nothing is asked")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(spoken: Browser, server: Server, dark: bool) -> None:
    """In both themes, both languages, on a phone and a wide screen; nothing scrolls sideways."""
    for size in (DESKTOP, PHONE):
        spoken.look(*size, dark=dark, touch=size == PHONE)
        opened(spoken, server)
        assert spoken.barriers() == [], size


def test_an_empty_map_says_so(spoken: Browser, server: Server) -> None:
    """And a collection that is not there is told like any failure."""
    for name, what in (("none", ".nothing"), ("gone", ".failure")):
        spoken.load(f"{server.url}/#map?c={name}")
        assert spoken.one(what).text


def test_a_hundred_thousand_points_move_smoothly(server: Server) -> None:
    """Each step of a drag paints all of them; how many frames a second that is, is printed."""
    with browser() as page:
        page.look(*DESKTOP)
        opened(page, server, "c=many")
        frames = page.driver.execute_async_script(_DRAG)
        work = page.driver.execute_async_script(_PAINT)
        assert "100,000" in page.one(".map .facts").text
        assert len(set(page.driver.execute_async_script(_SEEN))) > 1
        print(
            f"100,000 points: {1_000 / median(frames):.0f} frames a second while they are dragged"
            f" (slowest of {len(frames)}: {max(frames):.0f} ms), {median(work):.1f} ms to paint"
        )


def press_wheel(page: Browser, delta: int) -> None:
    page.run(
        "const plane = document.querySelector('.plane'), box = plane.getBoundingClientRect();"
        "plane.dispatchEvent(new WheelEvent('wheel', { deltaY: arguments[0], cancelable: true,"
        " clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true }))",
        delta,
    )


def drag(page: Browser, right: int, down: int) -> None:
    page.run(
        _POINT + "point('pointerdown', 0, 0);"
        "for (let n = 1; n <= 8; n += 1)"
        " point('pointermove', arguments[0] * n / 8, arguments[1] * n / 8);"
        "point('pointerup', arguments[0], arguments[1]);",
        right,
        down,
    )


_POINT = """
  const plane = document.querySelector('.plane'), box = plane.getBoundingClientRect();
  plane.setPointerCapture = plane.hasPointerCapture = () => true; // no real pointer is down
  const point = (kind, right, down) => plane.dispatchEvent(new PointerEvent(kind, { pointerId: 1,
    button: 0, bubbles: true, clientX: box.x + box.width / 2 + right, clientY: box.y + 9 + down }));
"""
_DRAG = (
    _POINT
    + """
  const done = arguments[arguments.length - 1], times = [];
  point('pointerdown', 0, 0);
  const step = (time) => {
    times.push(time);
    if (times.length > 60) {
      point('pointerup', 0, 0);
      return done(times.slice(1).map((each, n) => each - times[n]));
    }
    point('pointermove', 200 * Math.sin(times.length / 6), 60 * Math.cos(times.length / 6));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
"""
)
_PAINT = """
  const done = arguments[0], times = [];
  const own = document.querySelector('script[type=module]').src.replace('app.js', 'map/');
  Promise.all(['paint', 'points', 'camera'].map((name) => import(`${own}${name}.js`)))
    .then(async ([{ paint }, { points }, { Camera }]) => {
      const all = await points('many', null), camera = new Camera();
      camera.resize(1000, 600);
      const colors = new Uint32Array(9).fill(0xff0000ff), canvas = document.createElement('canvas');
      for (let n = 0; n < 30; n += 1) {
        const begun = performance.now();
        paint(canvas, all, camera, colors, 1);
        times.push(performance.now() - begun);
      }
      done(times);
    });
"""
_SEEN = """
  const done = arguments[0], plane = document.querySelector('.plane'), seen = [];
  const step = () => {
    const canvas = document.querySelector('canvas');
    seen.push(canvas.toDataURL().length);
    if (seen.length > 3) return done(seen);
    plane.dispatchEvent(new WheelEvent('wheel', { deltaY: -300, bubbles: true, cancelable: true }));
    setTimeout(step, 100);
  };
  step();
"""


def test_nothing_is_asked_for_a_map_that_was_left(spoken: Browser, server: Server) -> None:
    """A reader who goes on before the collection is known, or just after the wheel was turned."""
    spoken.look(*DESKTOP)
    spoken.open(f"{server.url}/#search?c=few")
    page = "document.querySelector('script[type=module]').src"
    spoken.driver.execute_async_script(
        f"import({page}.replace('app.js', 'place.js'))"
        ".then(({ askAnew }) => askAnew()).then(arguments[0])"
    )
    hold(spoken, "/v1/collections")
    spoken.run("location.hash = 'map'")
    held(spoken)
    spoken.run("location.hash = 'search?c=few'")
    spoken.until(lambda: spoken.all(".hero"), "no search")
    release(spoken)
    spoken.settled()
    assert asked(spoken, "/map") == []
    spoken.run("location.hash = 'map?c=few'")
    spoken.until(lambda: spoken.all(".map-picture"), "no map")
    script = (
        "window.kept = document.querySelector('.map-pictures');"
        "arguments[0].dispatchEvent(new WheelEvent('wheel', { deltaY: -900, cancelable: true,"
        " clientX: 300, clientY: 400 }));"
        "location.hash = 'search?c=few';"
    )
    spoken.run(script, spoken.one(".plane"))
    spoken.until(lambda: spoken.all(".hero"), "no search")
    count = spoken.run("return window.kept.childElementCount")
    spoken.driver.execute_async_script("setTimeout(arguments[0], 400)")
    assert spoken.run("return window.kept.childElementCount") == count > 0
    assert "#search" in spoken.driver.current_url
    spoken.problems()
