"""The view Quality in a real browser: recall, generations, rolling back, long work, times."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.collection.choice import Choice
from mitame.serving.seeing.exposition import parsed
from tests.page.browser import DESKTOP, PHONE, REFUSAL, Browser, browser
from tests.serving.running_server import Server

ROWS = 1_200


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lenses: one with an index that was chosen, one that is searched exactly."""
    data = tmp_path_factory.mktemp("data")
    fill(data)
    return data


def fill(data: Path) -> None:
    """A collection with one generation."""
    rng = np.random.default_rng(3)
    lenses = {"indexed": "vectors:16:euclidean", "plain": "vectors:4:cosine"}
    with mitame.open(data, "shop", lenses=lenses) as shop:
        for number, (left, right) in enumerate(
            zip(rng.normal(size=(ROWS, 16)), rng.normal(size=(ROWS, 4)), strict=True)
        ):
            shop.add(f"i{number}", vectors={"indexed": left, "plain": right})
        shop.store.choose("indexed", Choice("cascade", {}, why="test"))
        shop.store.merge()


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    with Server(data, "--no-merge") as running:
        yield running


@pytest.fixture
def quality(window: Browser, server: Server) -> Iterator[Browser]:
    """The view; after the test nothing must have been complained of."""
    window.look(*DESKTOP)
    shown(window, server)
    with window.watched():
        yield window


def shown(window: Browser, server: Server) -> None:
    window.load(f"{server.url}/#quality?c=shop")
    window.until(lambda: window.all(".card") and window.all(".table"), "the view does not come")


def told(server: Server, path: str = "") -> Any:
    return server.ask("GET", f"/v1/collections/shop{path}").json()


def is_served(window: Browser, row: list[str]) -> bool:
    return served_row(window) == row


def is_compared(window: Browser, side: str, ids: list[str]) -> bool:
    return compared(window, side) == ids


def is_told(window: Browser, how: str) -> bool:
    return window.texts(".job .how")[0] == how


def served(server: Server) -> int:
    found = told(server, "/generations")["generations"]
    return int(next(each["number"] for each in found if each["served"]))


def served_row(window: Browser) -> list[str]:
    """The generation that the view says answers now."""
    found: list[str] = window.run(
        "return [...document.querySelectorAll('tr:has(.served) th')].map((one) => one.textContent)"
    )
    return found


def test_recall_is_what_the_server_has_measured(quality: Browser, server: Server) -> None:
    """Per lens with its engine; a lens without an index is exact, and says so."""
    cards = {each.text.splitlines()[0]: each.text for each in quality.all(".card")}
    index = told(server)["lenses"]["indexed"]["index"]
    assert index["engine"] == "cascade"
    assert f"{index['recall']:.3f} recall" in cards["indexed"]
    assert f"measured on {index['sample']} items" in cards["indexed"]
    assert "cascade" in cards["indexed"]
    assert "1.000 recall" in cards["plain"]
    assert "Every vector is looked at" in cards["plain"]


def test_merge_then_roll_back_and_forward(quality: Browser, server: Server) -> None:
    """Each is asked about before it is done; the items stay, and the server answers from there."""
    first = served(server)
    server.ask("PUT", "/v1/collections/shop/items/new", {"vectors": {"plain": [1, 0, 0, 0]}})
    quality.one("button.merge").click()
    quality.until(lambda: served_row(quality) == [str(first + 1)], "no new generation is served")
    assert served(server) == first + 1
    for words, wanted in (("Roll back", first), ("Switch to it", first + 1)):
        button = next(each for each in quality.all(".table button") if each.text == words)
        button.click()
        assert str(wanted) in quality.one("dialog h2").text
        quality.one("dialog .actions button").click()  # cancelled
        quality.until(lambda: not quality.all("dialog"), "the dialog stays")
        assert served(server) != wanted
        next(each for each in quality.all(".table button") if each.text == words).click()
        assert quality.accessibility() == []
        quality.one("dialog .primary").click()
        row = [str(wanted)]
        quality.until(partial(is_served, quality, row), "it is not switched")
        assert served(server) == wanted
        assert server.ask("GET", "/v1/collections/shop/items/new").status == 200


def test_long_work_is_followed_to_its_end(quality: Browser, server: Server) -> None:
    """A job that somebody else has begun appears, and what it measured when it is done."""
    server.ask("POST", "/v1/collections/shop/tune", {"lens": "plain", "budget": 1})
    quality.run("location.hash = 'search?c=shop'")
    quality.until(lambda: quality.all(".hero"), "no search")
    shown(quality, server)
    row = "return document.querySelector('.job').textContent"
    quality.until(lambda: "Tune" in quality.run(row), "the job is not shown")
    quality.until(lambda: "done" in quality.run(row), "it does not end")
    report = next(each for each in told(server, "/tuning")["reports"] if each["lens"] == "plain")
    quality.until(lambda: "plain" in quality.texts(".tuning h3"), "what was measured is not shown")
    measured = [each for each in report["trials"] if each["points"]]
    assert len(quality.all(".tuning tbody tr")) == len(measured) > 0
    assert len(quality.all(".tuning .plot:not(.sample) circle")) == sum(
        len(each["points"]) for each in measured
    )
    assert f"{report['choice']['engine']} \N{CHECK MARK}" in quality.texts(".tuning tbody strong")
    assert quality.accessibility() == []


def test_the_focus_stays_while_long_work_goes_on(quality: Browser, server: Server) -> None:
    """Whoever is on a job's button stays on it; where it goes, the focus stays at the job."""
    quality.run(_WORKING)
    quality.run("location.hash = 'search?c=shop'")
    quality.until(lambda: quality.all(".hero"), "no search")
    quality.run("location.hash = 'quality?c=shop'")
    button = quality.until(lambda: quality.all(".job button"), "the job is not shown")[0]
    quality.run("arguments[0].focus()", button)
    focus = "return document.activeElement.matches(arguments[0])"
    for progress in (0.2, 0.4):
        quality.run("window.progress = arguments[0]", progress)
        wanted = f"running {100 * progress:.0f} %"
        quality.until(partial(is_told, quality, wanted), "it is not told anew")
        assert quality.run(focus, ".job:first-child button")
    quality.run("window.state = 'done'")
    quality.until(partial(is_told, quality, "done"), "it does not end")
    assert quality.run(focus, ".job:first-child")


def test_times_are_those_that_were_counted(quality: Browser, server: Server) -> None:
    """As many questions as were asked; half of them took no longer than told, by the metrics."""
    for number in range(7):
        server.ask("GET", f"/v1/collections/shop/items/i{number}/similar?lens=indexed")
    shown(quality, server)
    script = (
        "return [...document.querySelectorAll('tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
        ".find(([name]) => name.startsWith('Similar'))"
    )
    _, count, half, most = quality.until(lambda: quality.run(script), "no times of them")
    assert count == "7"
    for words, share in ((half, 0.5), (most, 0.99)):
        # Two digits are shown.
        assert float(words.removesuffix(" ms")) == pytest.approx(counted(server, share), rel=0.06)


def counted(server: Server, share: float) -> float:
    """Milliseconds that this share of the questions about items took, as the metrics tell."""
    name, route = "mitame_request_duration_seconds_bucket", "/items/{id}/similar"
    buckets = [(0.0, 0.0)]
    for each in parsed(server.ask("GET", "/metrics").body.decode()):
        if each.name == name and each.labels["route"].endswith(route):
            buckets.append((1_000 * float(each.labels["le"]), each.value))
    bounds, counts = zip(*sorted(buckets), strict=True)
    return float(np.interp(share * counts[-1], counts, bounds))


def test_the_middle_of_a_histogram(quality: Browser, server: Server) -> None:
    """Between the bounds of its bucket, in proportion; beyond all bounds it is the last one."""
    script = """
      const [path, done] = arguments;
      import(path).then(({ histograms, quantile }) => {
        const lines = [['0.1', 0], ['0.2', 10], ['0.4', 20], ['+Inf', 20]]
          .map(([le, count]) => `t_seconds_bucket{stage="a",le="${le}"} ${count}`);
        const counts = ['t_seconds_count{stage="a"} 20', 't_seconds_count{stage="b"} 0'];
        const text = [...lines, ...counts].join('\\n');
        const [found, ...rest] = histograms(text, 't_seconds', 'stage');
        const beyond = { count: 4, buckets: [[1, 1], [Infinity, 4]] };
        done([rest.length, quantile(found, 0.25), quantile(found, 0.75), quantile(beyond, 0.9)]);
      });
    """
    path = quality.run("return document.querySelector('script[type=module]').src")
    found = quality.driver.execute_async_script(
        script, path.replace("app.js", "quality/histograms.js")
    )
    assert found == pytest.approx([0, 0.15, 0.3, 1])


def compared(window: Browser, side: str) -> list[str]:
    found: list[str] = window.run(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.title)",
        f".{side}-side .compared .id",
    )
    return found


def asked(window: Browser) -> str:
    """The item that the address asks about."""
    found: str = window.run("return new URLSearchParams(location.hash.split('?')[1]).get('item')")
    return found


def test_two_answers_are_compared_and_voted_on(quality: Browser, server: Server) -> None:
    """Both are the server's; what only one has is marked; the vote is kept, and counted."""
    quality.until(lambda: len(compared(quality, "right")) == 8, "there are no answers")
    item, path = asked(quality), "/v1/collections/shop"
    quality.choose("select.right", "indexed exact")
    quality.until(
        lambda: "every vector" in quality.one(".right-side h3").text, "it is not asked exactly"
    )
    quality.choose("select.left", "plain")
    quality.until(lambda: quality.one(".left-side h3").text == "plain", "the lens is not changed")
    assert asked(quality) == item
    wanted: dict[str, dict[str, Any]] = {
        "left": {"lens": "plain"},
        "right": {"lens": "indexed", "exact": True},
    }
    answers = {
        side: server.ask("POST", f"{path}/query", {"id": item, "limit": 8, **fields}).json()
        for side, fields in wanted.items()
    }
    for side, answer in answers.items():
        ids = [each["id"] for each in answer["neighbors"]]
        quality.until(partial(is_compared, quality, side, ids), f"other answers {side}")
    shared = set(compared(quality, "left")) & set(compared(quality, "right"))
    assert len(quality.all(".left-side .shared")) == len(shared) < 8
    quality.one("button.is-right").click()
    quality.until(lambda: asked(quality) not in (None, item), "there is no other question")
    vote = server.ask("GET", f"{path}/comparisons").json()["comparisons"][-1]
    assert (vote["item"], vote["better"]) == (item, "right")
    for side, answer in answers.items():
        assert vote[side]["ids"] == [each["id"] for each in answer["neighbors"]]
        assert vote[side]["generation"] == answer["generation"]
    total = "indexed exact 1 : 0 plain, neither 0"
    quality.until(lambda: total in quality.texts(".totals li"), "it is not added up")


def test_generations_are_compared_and_voted_on(window: Browser, tmp_path: Path) -> None:
    """After two merges: the first one alone beside what answers now, then beside the second alone;
    what has gone since is said to be; votes name both; one that is removed is told as gone."""
    fill(tmp_path)
    with Server(tmp_path, "--no-merge") as server:
        path = "/v1/collections/shop"
        wanted = {"id": "i7", "lens": "plain", "limit": 8}
        former = server.ask("POST", f"{path}/query", wanted).json()["neighbors"]
        for step, each in enumerate(former[:2]):
            server.ask("DELETE", f"{path}/items/{each['id']}")
            merged(server, step + 2, keep=3)
        window.look(*DESKTOP)
        address = "#quality?c=shop&item=i7&left=plain&right=indexed"
        window.load(f"{server.url}/{address}")
        window.until(lambda: len(compared(window, "right")) == 8, "there are no answers")
        button = next(
            each
            for each in window.all("button.compare")
            if each.accessible_name == "Compare generation 1 with what answers now"
        )
        button.click()
        ids = [each["id"] for each in former]
        window.until(partial(is_compared, window, "left", ids), "it is another answer")
        assert window.one(".left-side h3").text == "plain, generation 1 alone"
        assert window.one(".right-side h3").text == "plain"
        assert "left-generation" in str(window.run("return document.activeElement.className"))
        gone = window.all(".left-side li:has(.since-gone) .id")
        assert [each.get_attribute("title") for each in gone] == ids[:2]
        assert len(window.all(".left-side .frame.missing")) >= 2
        window.choose("select.right-generation", "2")
        second = server.ask("POST", f"{path}/query", {**wanted, "generation": 2}).json()
        others = [each["id"] for each in second["neighbors"]]
        window.until(partial(is_compared, window, "right", others), "it is not asked alone")
        assert [
            each.get_attribute("title")
            for each in window.all(".right-side li:has(.since-gone) .id")
        ] == ids[1:2]
        assert window.accessibility() == []
        window.one("button.is-left").click()
        total = "plain, generation 1 alone 1 : 0 plain, generation 2 alone, neither 0"
        window.until(lambda: total in window.texts(".totals li"), "it is not added up")
        with mitame.Client(server.url) as client:
            (vote,) = client.collection("shop").votes().comparisons
        assert (vote.item, vote.better) == ("i7", "left")
        for side, number, answered in ((vote.left, 1, ids), (vote.right, 2, others)):
            assert (side.lens, side.exact, side.generation, side.delta) == (
                "plain",
                False,
                number,
                False,
            )
            assert side.ids == answered
        assert window.unexpected() == []
        for step, each in enumerate(former[2:4]):  # the first time the server has it open still
            server.ask("DELETE", f"{path}/items/{each['id']}")
            merged(server, step + 4, keep=1)
            server.ask("POST", f"{path}/query", wanted)
        window.load(f"{server.url}/{address}&left-generation=1")
        window.until(lambda: window.all(".left-side .failure"), "it is not told")
        assert "there is no generation 1" in window.one(".left-side .failure").text
        assert "ask one of those that are kept: 4, 5" in window.one(".left-side .failure").text
        assert window.one("select.left-generation").get_attribute("value") == "1"
        assert len(compared(window, "right")) == 8
        assert not window.all(".vote button")
        window.look(*PHONE)
        lines = "return document.querySelector('.side-answer .failure button').offsetHeight"
        assert window.run(lines) < 50, "the button's words are broken"
        window.look(*DESKTOP)
        assert window.unexpected(REFUSAL) == []


def merged(server: Server, number: int, keep: int) -> None:
    """A merge, waited for, as an operator begins it."""
    with mitame.Client(server.url) as client:
        shop = client.collection("shop")
        assert client.wait(shop.merge(keep=keep)).state == "done"
        assert shop.generations().generations[-1].number == number


def test_back_shows_the_former_question(quality: Browser, server: Server) -> None:
    """Question and sides stand in the address; the same on both sides can't be voted on."""
    quality.until(lambda: len(compared(quality, "right")) == 8, "there are no answers")
    first, ids = asked(quality), compared(quality, "left")
    quality.one("button.next").click()
    quality.until(lambda: asked(quality) not in (None, first), "there is no other question")
    quality.driver.back()
    quality.until(lambda: compared(quality, "left") == ids, "back shows another one")
    assert asked(quality) == first
    quality.choose("select.right", "indexed")
    quality.choose("select.left", "indexed")
    quality.until(lambda: not quality.all("button.is-left"), "it can be voted on")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_keeps_people_out(server: Server, language: str) -> None:
    """Axe finds nothing, in both languages and themes, on a phone and wide; nothing overflows."""
    with browser(language) as window:
        shown(window, server)
        for _ in window.looks():
            assert window.barriers() == []
        assert window.problems() == []


_WORKING = """
  const real = window.fetch;
  [window.state, window.progress] = ['running', 0.1];
  const job = (id, state, progress) => ({ id, kind: 'merge', state, progress, message: null,
    error: null, created: 1, eta_seconds: null });
  window.fetch = async (url, options) => {
    if (!String(url).includes('v1/jobs')) return real(url, options);
    const jobs = [job('b', state, progress), job('a', 'done', 1)];
    return Response.json({ jobs });
  };
"""
