"""Measured on real rows: what is chosen does what was wished, and all is told."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mitame.choosing import trials as trials_module
from mitame.choosing.drawing import png
from mitame.choosing.lens import live_vectors, tune_lens
from mitame.choosing.measurement import Point, Trial
from mitame.choosing.plot import HEIGHT, WIDTH, plot, svg
from mitame.choosing.report import to_json, write_report
from mitame.choosing.tuner import Tuning, tune
from mitame.choosing.wish import Wish
from mitame.collection import Item, ItemImage, Put, Remove, Store, create, index_status
from mitame.distances import normalise
from mitame.engines.protocol import Abilities
from mitame.errors import MissingExtra, StorageError, UnknownLens, UsageError
from tests.coarse import CoarseEngine, CoarseIndex, use_engines
from tests.collection.made import COLOR, LOOK, noise


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    use_engines(monkeypatch, CoarseEngine())


def _rows(count: int, dimension: int = 4) -> NDArray[np.float32]:
    drawn = np.random.default_rng(5).normal(size=(count, dimension)).astype(np.float32)
    return normalise(drawn)


def _of(tuning: Tuning, engine: str) -> list[Trial]:
    return [trial for trial in tuning.trials if trial.engine == engine]


def test_every_way_is_measured() -> None:
    """Exact search first; curves rise with effort, up to the truth."""
    steps: list[tuple[int, int, str]] = []
    tuning = tune(_rows(300), "cosine", Wish(0.9, 5), on_step=lambda *now: steps.append(now))
    assert tuning.trials[0].engine == "exact"
    assert tuning.trials[0].points[0].recall == 1.0
    assert [trial.settings for trial in _of(tuning, "coarse")] == [{"axis": 0}, {"axis": 1}]
    for trial in _of(tuning, "coarse"):
        recalls = [point.recall for point in trial.points]
        assert recalls == sorted(recalls)
        assert recalls[-1] == 1.0
        assert trial.memory == 300 * 8
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize("recall", [0.6, 0.9, 1.0])
def test_the_choice_has_the_recall(monkeypatch: pytest.MonkeyPatch, recall: float) -> None:
    """With fresh questions, too; also of an index that is built again with its settings."""
    monkeypatch.setattr("mitame.choosing.pick.WORTH", 0.0)  # so that it isn't exact search
    rows = _rows(600)
    tuning = tune(rows, "cosine", Wish(recall, 5), engines=["coarse"])
    choice = tuning.choice
    assert choice.engine == "coarse"
    assert tuning.point.recall >= recall
    assert (choice.recall, choice.k) == (recall, 5)
    assert choice.why.startswith("coarse: recall ")
    assert "exact answers" in choice.why


def test_a_small_collection_is_searched_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is quicker there that anybody would notice, however busy this machine is."""
    monkeypatch.setattr("mitame.choosing.pick.UNNOTICED", 1.0)
    tuning = tune(_rows(2), "cosine", Wish())
    assert tuning.choice.engine == "exact"
    assert tuning.choice.effort is None
    with pytest.raises(UsageError, match="fewer than two"):
        tune(_rows(1), "cosine", Wish())


def test_engines_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown or not installed: an error, as they were asked for; else they are told of."""
    with pytest.raises(UsageError, match="no engine 'cars'"):
        tune(_rows(50), "cosine", Wish(), engines=["cars"])
    use_engines(monkeypatch, CoarseEngine(is_missing=True))
    with pytest.raises(MissingExtra):
        tune(_rows(50), "cosine", Wish(), engines=["coarse"])
    tuning = tune(_rows(50), "cosine", Wish())
    (missing,) = _of(tuning, "coarse")
    assert "mitame[coarse]" in str(missing.skipped)
    assert tuning.choice.engine == "exact"


def test_no_budget_leaves_exact_search() -> None:
    """What was not measured is told with the reason."""
    tuning = tune(_rows(100), "cosine", Wish(), budget=1e-9)
    assert tuning.choice.engine == "exact"
    assert {trial.skipped for trial in _of(tuning, "coarse")} == {"the budget was used up"}


class _Failing(CoarseEngine):
    def build(self, vectors: object, distance: object, **settings: object) -> CoarseIndex:
        raise MemoryError


class _Full(CoarseEngine):
    def build(self, vectors: object, distance: object, **settings: object) -> CoarseIndex:
        raise StorageError("no space left")


@pytest.mark.parametrize(("engine", "why"), [(_Failing(), "too little memory"), (_Full(), "space")])
@pytest.mark.parametrize("whole", [10, 1_000])
def test_builds_that_fail(
    monkeypatch: pytest.MonkeyPatch, engine: CoarseEngine, why: str, whole: int
) -> None:
    """They are skipped, and why is told."""
    monkeypatch.setattr(trials_module, "WHOLE_ROWS", whole)
    monkeypatch.setattr(trials_module, "_SAMPLE_ROWS", (40, 80))
    use_engines(monkeypatch, engine)
    tuning = tune(_rows(200), "cosine", Wish())
    assert all(why in str(trial.skipped) for trial in _of(tuning, "coarse"))
    assert tuning.choice.engine == "exact"


def _sampled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trials_module, "WHOLE_ROWS", 100)
    patch.setattr(trials_module, "_SAMPLE_ROWS", (80, 400))


def test_many_rows_are_sampled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits the budget is then built over all of them, and measured there."""
    _sampled(monkeypatch)
    # However long this machine leaves the test waiting: nothing is too slow, or comes too late.
    monkeypatch.setattr(trials_module, "HOPELESS", 1e9)
    monkeypatch.setattr(trials_module, "_POINT_SECONDS", (0.05, 0.05))
    tuning = tune(_rows(900), "cosine", Wish(0.9, 5), budget=3_600)
    trials = _of(tuning, "coarse")
    assert len(trials) == 2
    assert all(trial.rows == 900 and not trial.extrapolated for trial in trials)
    assert all(trial.skipped is None for trial in trials)


def test_what_does_not_fit_is_told_as_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By time or memory; it can be chosen where nothing measured does it, and that is said."""
    _sampled(monkeypatch)
    monkeypatch.setattr("mitame.choosing.growth.BUILD", (30.0, 30.0))
    tuning = tune(_rows(900), "cosine", Wish(0.9, 5))
    for trial in _of(tuning, "coarse"):
        assert trial.extrapolated
        assert trial.rows == 112
        assert "to build" in str(trial.skipped)
    assert tuning.choice.engine == "exact"  # which was measured
    small = tune(_rows(900), "cosine", Wish(0.9, 5, memory=900))
    assert all("would need about" in str(trial.skipped) for trial in _of(small, "coarse"))
    quick = tune(_rows(900), "cosine", Wish(0.9, 5), engines=["coarse"])
    assert quick.choice.engine == "coarse"
    assert "carried on from 112 rows" in quick.choice.why


def test_a_distance_that_an_engine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is skipped for this lens."""
    only = Abilities(exact=False, distances=frozenset({"euclidean"}))
    use_engines(monkeypatch, CoarseEngine(abilities=only))
    (skipped,) = _of(tune(_rows(50), "cosine", Wish()), "coarse")
    assert skipped.skipped == "it has no cosine distance"


@pytest.fixture
def shop(tmp_path: Path) -> Store:
    store = create(tmp_path / "shop", [LOOK, COLOR])
    images = [(ItemImage({"look": noise(n)}),) for n in range(150)]
    store.append([Put(Item(f"i{n}", None, {}, image)) for n, image in enumerate(images)])
    return store


def test_a_lens_keeps_its_choice_and_report(shop: Store) -> None:
    """The choice serves from the next merge on; the report lies with the collection."""
    with shop:
        tuning, page = tune_lens(shop, "look", Wish(0.8, 5), engines=["coarse"])
        with shop.pin() as view:
            assert view.stored["look"].choice == tuning.choice
            assert index_status(view, "look").pending == tuning.choice
        shop.merge()
        with shop.pin() as view:
            assert index_status(view, "look").pending is None
        assert page == shop.path / "reports" / "tuning-look.html"
        told = json.loads(page.with_suffix(".json").read_text())
        assert told["choice"]["engine"] == "coarse"
        assert told["rows"] == 150
        with Image.open(page.with_suffix(".png")) as picture:
            assert picture.size == (2 * WIDTH, 2 * HEIGHT)
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 3
        assert tuning.choice.why.split(";")[0] in page.read_text()
        assert shop.check() == []
        with pytest.raises(UnknownLens):
            tune_lens(shop, "nose", Wish())


def test_an_interrupted_tuning_keeps_nothing(shop: Store) -> None:
    """Neither a choice nor a report."""

    def stop(done: int, total: int, what: str) -> None:
        if what == "coarse":
            raise KeyboardInterrupt

    with shop:
        with pytest.raises(KeyboardInterrupt):
            tune_lens(shop, "look", Wish(), on_step=stop)
        with shop.pin() as view:
            assert view.stored["look"].choice is None
        assert not (shop.path / "reports").exists()


def test_which_vectors_are_measured(shop: Store) -> None:
    """The snapshot's, mapped, while hardly anything has changed; else all that are live."""
    with shop:
        with live_vectors(shop, "look") as vectors:
            assert vectors.shape == (150, 4)
        shop.merge()
        shop.append([Remove("i0")])
        with live_vectors(shop, "look") as vectors:
            assert len(vectors) == 150
            shop.append([Remove(f"i{n}") for n in range(1, 40)])
            shop.merge(keep=1)
            shop.append([Put(Item("new", None, {}, (ItemImage({"look": noise(7)}),)))])
            assert np.isfinite(vectors).all()  # its generation is kept meanwhile
        shop.append([Remove(f"i{n}") for n in range(40, 80)])
        with live_vectors(shop, "look") as vectors:
            assert len(vectors) == 71
        with live_vectors(shop, "color") as vectors:
            assert vectors.shape == (0, 3)


def test_the_page_is_whole_and_harmless(tmp_path: Path) -> None:
    """Well-formed, no script, and what comes from a name or setting is only text there."""
    tuning = tune(_rows(120), "cosine", Wish(0.8, 5))
    nasty = Trial("<script>", {"a": "</td><b>"}, skipped="1 < 2 & 3")
    told = Tuning(**{**tuning.__dict__, "trials": (*tuning.trials, nasty)})
    page = write_report(told, tmp_path, "look").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "</td><b>" not in page
    assert "1 &lt; 2 &amp; 3" in page
    body = page[page.index("<svg") : page.index("</svg>") + 6]
    assert ElementTree.fromstring(body).tag.endswith("svg")
    assert json.loads(json.dumps(to_json(told, "look")))["trials"][-1]["skipped"] == "1 < 2 & 3"


def test_the_plot_stays_within_its_picture() -> None:
    """Whatever was measured: every point and tick has its place, and both pictures are drawn."""
    for recalls in ([0.001, 1.0], [0.95], [1.0]):
        points = tuple(_point(recall, 10.0 ** (-n)) for n, recall in enumerate(recalls))
        drawn = plot([Trial("a", {}, 9, 1.0, 1, points)], 0.95, _point(0.96, 1e-3))
        places = [place for curve in drawn.curves for place in curve.places] + [drawn.chosen]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
        assert drawn.x_ticks
        assert "<title>" in svg(drawn, title="a & b")
        assert png(drawn).startswith(b"\x89PNG")


def _point(recall: float, seconds: float) -> Point:
    return Point(0.5, recall, seconds, seconds, seconds, seconds, 9)
