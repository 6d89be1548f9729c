"""Adding pictures in a real browser: many at once, broken ones, folders, keys, what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.serving.callers.key_store import KeyStore
from mitame.serving.callers.roles import Role
from mitame.serving.state import State
from tests.page.browser import DESKTOP, PHONE, REFUSAL, Browser, browser
from tests.page.requests import answer, asked, held, hold, release
from tests.serving.running_server import Server

COUNT, BROKEN = 200, (17, 150)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """200 small pictures; one of them is a text, one is cut off in the middle."""
    folder, rng = tmp_path_factory.mktemp("many"), np.random.default_rng(7)
    found = []
    for number in range(COUNT):
        path = folder / f"{number:03}.jpg"
        tones = rng.integers(0, 256, (2, 2, 3), np.uint8)
        Image.fromarray(tones).resize((48, 40)).save(path)
        found.append(path)
    found[BROKEN[0]].write_text("not a picture")
    whole = found[BROKEN[1]].read_bytes()
    found[BROKEN[1]].write_bytes(whole[: len(whole) // 3])
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    mitame.open(tmp_path, "shop", lenses={"color": "color"}).close()
    with Server(tmp_path) as running:
        yield running


@pytest.fixture(scope="module", params=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def manage(window: Browser, server: Server) -> Iterator[Browser]:
    """The view of ``shop``; after the test nothing must have been complained of."""
    opened(window, server)
    with window.watched(REFUSAL):
        yield window


def opened(window: Browser, server: Server, collection: str = "shop") -> None:
    window.look(*DESKTOP)
    window.load(f"{server.url}/#manage?c={collection}")
    window.until(lambda: window.texts(".manage h1") == [collection], "the view does not come")


def choose(window: Browser, *paths: Path, how: str = "files") -> None:
    window.all(f"input.{how}")[0].send_keys("\n".join(map(str, paths)))
    ended(window)


def ended(window: Browser) -> None:
    """Wait until nothing is sent any more."""
    done = "const bar = document.querySelector('.state progress'); return bar?.value === bar?.max"
    window.until(lambda: window.run(done) and window.all(".count")[0].text, "it does not end")
    window.until(lambda: not window.all(".state .progress button")[0].is_displayed(), "still busy")


def count(server: Server, collection: str = "shop") -> int:
    path = f"/v1/collections/{collection}/items:count"
    return int(server.ask("POST", path, {}).json()["count"])


def test_many_are_added_and_broken_ones_are_named(
    manage: Browser, server: Server, pictures: list[Path]
) -> None:
    """Of 200, 198 are in; the other two are listed with the server's reason, to be tried again."""
    choose(manage, *pictures)
    assert manage.one(".count").text.startswith("198 of 200 added, 2 not.")
    assert count(server) == COUNT - len(BROKEN)
    names = manage.texts(".upload.refused .file")
    assert sorted(names) == [f"{number:03}.jpg" for number in BROKEN]
    reasons = manage.texts(".upload.refused .reason")
    for name, reason in zip(names, reasons, strict=True):
        path = f"/v1/collections/shop/items/{name}"
        data = next(each for each in pictures if each.name == name).read_bytes()
        told = server.ask("PUT", path, data, headers={"Content-Type": "image/jpeg"})
        assert reason == told.json()["detail"]
    retry = next(each for each in manage.all(".state button") if "2" in each.text)
    Image.new("RGB", (30, 30), "red").save(pictures[BROKEN[0]])
    retry.click()
    manage.until(lambda: "since it was chosen" in "".join(manage.texts(".reason")), "no word")
    ended(manage)
    assert manage.one(".count").text.startswith("198 of 200")
    pictures[BROKEN[0]].write_text("not a picture")


def test_a_folder_gives_ids_and_categories(manage: Browser, server: Server, tmp_path: Path) -> None:
    """Paths become ids, folders' names categories where wished; hidden files are left out."""
    for kind in ("mugs", "hats"):
        (tmp_path / "in" / kind).mkdir(parents=True)
        Image.new("RGB", (20, 20), "blue").save(tmp_path / "in" / kind / "1.png")
    (tmp_path / "in" / ".DS_Store").write_text("x")
    manage.all(".options input[type=checkbox]")[0].click()
    choose(manage, tmp_path / "in", how="folder")
    items = server.ask("POST", "/v1/collections/shop/items:scroll", {}).json()["items"]
    told = {each["id"]: each["category"] for each in items}
    assert told == {"in/hats/1.png": "hats", "in/mugs/1.png": "mugs"}
    manage.run("location.reload()")
    seen = "return [...document.querySelectorAll('.managed img')].map((one) => one.naturalWidth)"
    manage.until(lambda: manage.run(seen) == [20, 20], "what was added is not seen")


def test_nothing_is_replaced_unasked(manage: Browser, server: Server, tmp_path: Path) -> None:
    """An id that is there stays as it is, until the reader says otherwise."""
    path = tmp_path / "one.png"
    Image.new("RGB", (20, 20), "blue").save(path)
    choose(manage, path)
    first = server.ask("GET", "/v1/collections/shop/items/one.png").json()
    Image.new("RGB", (40, 20), "red").save(path)
    choose(manage, path)
    assert len(manage.texts(".upload.there")) == 1
    assert server.ask("GET", "/v1/collections/shop/items/one.png").json() == first
    manage.one(".state .actions button").click()
    manage.until(lambda: manage.texts(".upload.in"), "it is not replaced")
    after = server.ask("GET", "/v1/collections/shop/items/one.png").json()
    assert after["images"][0]["width"] == 40


def test_it_can_be_stopped(manage: Browser, server: Server, pictures: list[Path]) -> None:
    """What is not sent yet is not sent; what was answered is in, and the numbers add up."""
    good = [each for number, each in enumerate(pictures) if number not in BROKEN]
    manage.run(
        "const halt = document.querySelector('.state .progress button');"
        "new MutationObserver(() => { if (!halt.hidden) halt.click(); })"
        ".observe(document.querySelector('.state'), { attributes: true, subtree: true });"
    )
    choose(manage, *good)
    stopped = len(manage.texts(".upload.stopped"))
    assert stopped > 100
    assert len(good) - 4 - stopped <= count(server) <= len(good) - stopped + 4


def test_it_goes_on_while_another_view_is_shown(
    manage: Browser, server: Server, pictures: list[Path]
) -> None:
    """And the reader who comes back finds how far it is."""
    manage.all("input.files")[0].send_keys("\n".join(map(str, pictures[20:120])))
    manage.run("location.hash = 'search?c=shop'")
    manage.until(lambda: manage.all(".hero"), "no search")
    manage.run("location.hash = 'manage?c=shop'")
    manage.until(lambda: manage.all(".count"), "it does not come back")
    ended(manage)
    assert count(server) == 100


def read_only(window: Browser, server: Server, data: Path) -> str:
    """The view, shown for a key that may read; a key that may write, too."""
    state = State(data)
    keys = KeyStore(state)
    read, write = keys.add("r", Role.READ), keys.add("w", Role.WRITE)
    state.close()
    window.load(f"{server.url}/#manage?c=shop")
    window.problems()  # of what was shown before
    give(window, read)
    window.until(lambda: window.texts(".manage h1") == ["shop"], "the key does not open it")
    return write


def test_a_key_is_asked_for_and_may_be_too_little(
    window: Browser, server: Server, tmp_path: Path
) -> None:
    """With a read key the view is shown; adding asks for more, and goes on with it by itself."""
    write = read_only(window, server, tmp_path)
    path = tmp_path / "one.png"
    Image.new("RGB", (20, 20), "blue").save(path)
    window.all("input.files")[0].send_keys(str(path))
    window.one("dialog")
    assert "write" in window.one("dialog p").text
    assert window.accessibility() == []
    give(window, write)
    ended(window)
    assert window.texts(".upload.in .file") == ["one.png"]
    window.run("sessionStorage.clear()")
    assert window.unexpected(REFUSAL) == []


def give(window: Browser, key: str) -> None:
    window.one("dialog input").send_keys(key)
    window.one("dialog button[type=submit]").click()
    window.until(lambda: not window.all("dialog"), "the dialog stays")


def test_a_collection_is_made(manage: Browser, server: Server) -> None:
    """And shown; one that is there already is told of in place."""
    for name in ("fresh", "fresh"):
        manage.one("button.make").click()
        manage.one("dialog input").send_keys(name)
        manage.one("dialog button[type=submit]").click()
        manage.until(lambda: manage.texts(".manage h1") == ["fresh"], "it is not shown")
    assert "fresh" in server.ask("GET", "/v1/collections").json()["collections"]
    assert "already" in manage.one(".failure .detail").text


def test_a_tag_in_a_name_stays_text(manage: Browser, server: Server, tmp_path: Path) -> None:
    """A file's name and a folder's: in the list of files, and as an id."""
    name = "<img src=x onerror=window.broken=1>"
    (tmp_path / "in" / name).mkdir(parents=True)
    (tmp_path / "in" / name / f"{name}.png").write_text("<script>window.broken=1</script>")
    choose(manage, tmp_path / "in", how="folder")
    assert manage.texts(".upload.refused .file") == [f"in/{name}/{name}.png"]
    assert manage.run("return window.broken") is None


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_keeps_people_out(
    language: str, dark: bool, tmp_path_factory: pytest.TempPathFactory, pictures: list[Path]
) -> None:
    """Axe finds nothing, in both languages and themes, on a phone and wide; nothing overflows."""
    data = tmp_path_factory.mktemp("data")
    mitame.open(data, "shop", lenses={"color": "color"}).close()
    with Server(data) as server, browser(language) as window:
        opened(window, server)
        choose(window, *pictures[10:30])
        for size in (DESKTOP, PHONE):
            window.look(*size, dark=dark)
            assert window.barriers() == []
        assert window.unexpected(REFUSAL) == []


def test_an_answer_that_breaks_off_is_asked_for_again(
    manage: Browser, server: Server, tmp_path: Path
) -> None:
    """The same try twice adds the item once; the page does not wait for ever."""
    path = tmp_path / "one.png"
    Image.new("RGB", (20, 20), "blue").save(path)
    broken = "new Response(new ReadableStream({ start: (one) => one.error(new TypeError('off')) }))"
    answer(manage, "PUT", broken)
    choose(manage, path)
    assert manage.texts(".upload.in .file") == ["one.png"]
    assert len(asked(manage, "PUT")) == 2
    assert count(server) == 1


def test_what_goes_wrong_unforeseen_stops_nothing(
    window: Browser, server: Server, tmp_path: Path
) -> None:
    """One of two fails with an error of the page's own: it is told, and the other one is added."""
    opened(window, server)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        Image.new("RGB", (20, 20), "blue").save(path)
    window.problems()  # of what was shown before
    answer(window, "one.png", "({ get ok() { throw new RangeError('odd'); } })")
    choose(window, *paths)
    assert window.texts(".upload.in .file") == ["two.png"]
    assert window.texts(".upload.refused .reason") == ["odd"]
    assert window.unexpected("odd") == []


def test_the_browser_asks_before_it_closes_in_any_view(
    manage: Browser, server: Server, tmp_path: Path
) -> None:
    """While files are sent, and not once they are."""
    path = tmp_path / "one.png"
    Image.new("RGB", (20, 20), "blue").save(path)
    hold(manage, "PUT")
    manage.all("input.files")[0].send_keys(str(path))
    held(manage)
    manage.run("location.hash = 'search?c=shop'")
    manage.until(lambda: manage.all(".hero"), "no search")
    closing = (
        "const one = new Event('beforeunload', { cancelable: true });"
        "dispatchEvent(one); return one.defaultPrevented"
    )
    assert manage.run(closing) is True
    release(manage)
    manage.until(lambda: count(server) == 1, "it is not sent")
    manage.until(lambda: manage.run(closing) is False, "it still asks")


def test_it_can_be_stopped_while_a_key_is_missing(
    window: Browser, server: Server, tmp_path: Path
) -> None:
    """Nothing is under way then: all count as stopped, and can be sent again."""
    write = read_only(window, server, tmp_path)
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for path in paths:
        Image.new("RGB", (20, 20), "blue").save(path)
    window.all("input.files")[0].send_keys("\n".join(map(str, paths)))
    window.one("dialog")
    window.run("document.querySelector('dialog').close('')")
    window.one(".failure")
    window.one(".state .progress button").click()
    window.until(lambda: len(window.texts(".upload.stopped")) == 6, "some go on")
    assert not window.all(".failure")
    next(each for each in window.all(".state button") if "6" in each.text).click()
    give(window, write)
    ended(window)
    assert len(window.texts(".upload.in")) == 6
    window.run("sessionStorage.clear()")
    assert window.unexpected(REFUSAL) == []
