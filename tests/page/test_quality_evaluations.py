"""What was measured over time, in the view Quality: drawn, told in numbers, measured anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.collection import Evaluation, EvaluationStore
from tests.page.browser import DESKTOP, REFUSAL, Browser, browser
from tests.serving.running_server import Server

DAY = 86_400_000_000
SINCE = 1_764_000_000_000_000
POINTS = ".evaluations .plot:not(.sample) circle"
LINES = ".evaluations .plot:not(.sample) polyline"
ROWS = ".evaluations tbody tr"


def measured(day: int, lens: str, share: float, print_: str = "one") -> Evaluation:
    measures = {"share": share, "first": share / 2, "found": 1.0, "chance": 0.25}
    return Evaluation(
        "categories", lens, print_, "exact", 9, day, 40, 10, measures, SINCE + day * DAY
    )


KEPT = [
    measured(0, "look", 0.5),
    measured(0, "color", 0.4),
    measured(10, "look", 0.75),
    measured(20, "look", 1.0, "two"),
    Evaluation("recall", "look", "two", "cascade", 9, 3, 200, 10, {"recall": 0.97}, SINCE + DAY),
]

ONCE = [measured(0, "color", 0.5), replace(measured(0, "look", 0.75), at=SINCE + 2_000_000)]
"""One measurement of two lenses, the second of which took two seconds."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Collections: measured before, measured once, to be measured, and without categories."""
    data, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(3)
    for name in ("before", "once", "fresh", "bare"):
        with mitame.open(data, name, lenses={"look": "vectors:4:euclidean"}) as shop:
            for number, vector in enumerate(rng.normal(size=(30, 4))):
                kind = None if name == "bare" else f"kind-{number % 2}"
                shop.add(number, vector=vector, category=kind)
    with closing(EvaluationStore(data / "before")) as store:
        store.add(KEPT)
    with closing(EvaluationStore(data / "once")) as store:
        store.add(ONCE)
    with Server(data, "--no-merge") as running:
        yield running


@pytest.fixture
def page(window: Browser) -> Iterator[Browser]:
    window.look(*DESKTOP)
    with window.watched():
        yield window


def shown(window: Browser, server: Server, collection: str, more: str = "") -> None:
    window.load(f"{server.url}/#quality?c={collection}{more}")
    window.until(lambda: window.texts(".evaluations"), "the panel does not come")
    window.until(lambda: window.all(".evaluations > *"), "the panel stays empty")


def told(server: Server, collection: str) -> Any:
    return server.ask("GET", f"/v1/collections/{collection}/evaluations").json()["evaluations"]


def places(window: Browser) -> list[list[float]]:
    """Where the points of the plot are."""
    found: list[list[float]] = window.run(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map((one) => [Number(one.getAttribute('cx')), Number(one.getAttribute('cy'))])",
        POINTS,
    )
    return found


def test_each_lens_has_its_line(page: Browser, server: Server) -> None:
    """Later is further right and more is higher; another embedder begins a new line."""
    shown(page, server, "before")
    assert page.texts(".evaluations .engine-names li") == ["color", "look"]
    color, first, second, third = places(page)
    assert first[0] == color[0] < second[0] < third[0]
    assert second[0] - first[0] == pytest.approx(third[0] - second[0])
    assert color[1] > first[1] > second[1] > third[1]
    lines = page.run(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.points.length)", LINES
    )
    assert lines == [1, 2, 1]
    chance = "return Number(document.querySelector('.evaluations .wished').getAttribute('y1'))"
    assert page.run(chance) > color[1]


def test_one_measurement_is_one_moment_between_round_numbers(page: Browser, server: Server) -> None:
    """Lenses that were measured within a minute lie above each other, over the one time."""
    shown(page, server, "once")
    (left, _), (right, _) = places(page)
    assert left == right
    words = page.run(
        "return [...document.querySelectorAll('.evaluations .plot text')].map((one) => "
        "[one.textContent, Number(one.getAttribute('x'))])"
    )
    assert [each for each, _ in words[:-1]] == ["0.20", "0.40", "0.60", "0.80", "1.00"]
    assert words[-1][1] == left


def test_the_table_has_all_that_is_drawn(page: Browser, server: Server) -> None:
    """The newest first, with the moment and every measure."""
    shown(page, server, "before")
    assert len(page.all(ROWS)) == len(places(page)) == 4
    cells = page.run(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map((row) => [...row.cells].slice(1).map((cell) => cell.textContent))",
        ROWS,
    )
    assert cells[0] == ["look", "20", "exact", "40", "10", "1.000", "0.500", "1.000", "0.250"]
    assert [row[0] for row in cells] == ["look", "look", "color", "look"]


def test_another_measure_stands_in_the_address(page: Browser, server: Server) -> None:
    """So that it can be shared, and back leads to the one before."""
    shown(page, server, "before")
    page.choose("select.measure", "recall")
    page.until(lambda: len(page.all(ROWS)) == 1, "the recall of the merge is not shown")
    assert "measure=recall" in page.driver.current_url
    assert len(places(page)) == 1
    assert "0.970" in page.texts(f"{ROWS} td")
    page.driver.back()
    page.until(lambda: len(page.all(ROWS)) == 4, "back does not lead back")
    shown(page, server, "before", "&measure=first")
    assert page.run("return document.querySelector('select.measure').value") == "first"


def test_measuring_now_adds_a_point(page: Browser, server: Server) -> None:
    """The empty panel says what measuring is; then the job ends, and what it found is drawn."""
    shown(page, server, "fresh")
    assert "Nothing was measured yet" in page.one(".evaluations").text
    assert not page.all(POINTS)
    for count in (1, 2):
        page.one("button.measure-now").click()
        page.until(lambda count=count: len(places(page)) == count, "no point is added")  # type: ignore[misc]
        found = told(server, "fresh")
        assert len(found) == count
        share = f"{found[0]['measures']['share']:.3f}"
        assert page.texts(f"{ROWS}:first-child td")[5] == share
    assert "Measure answers" in page.texts(".job .kind")


def test_without_categories_it_is_said_plainly(page: Browser, server: Server) -> None:
    """No job is begun, and no code of an error is shown."""
    shown(page, server, "bare")
    page.one("button.measure-now").click()
    assert "fewer than two categories" in page.one(".panel .warn").text
    assert server.ask("GET", "/v1/jobs?collection=bare").json()["jobs"] == []
    assert page.unexpected(REFUSAL) == []
    assert page.accessibility() == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_keeps_people_out(server: Server, language: str) -> None:
    """Axe finds nothing, in both languages and themes, on a phone and wide; nothing overflows."""
    with browser(language) as window:
        shown(window, server, "before")
        for _ in window.looks():
            assert window.barriers() == []
        assert window.problems() == []
