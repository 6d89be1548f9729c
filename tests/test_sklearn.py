"""The scikit-learn interface: its own checks, and that its graph is scikit-learn's graph."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.engines.protocol import Abilities, Candidate
from mitame.errors import MissingExtra, UsageError

pytest.importorskip("sklearn", reason="the extra sklearn is not installed")
from sklearn.cluster import DBSCAN
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import mitame.sklearn
from mitame.engines.exact import ExactEngine
from mitame.sklearn import MitameNeighbors

ROWS = np.random.default_rng(1).standard_normal((120, 7)).astype(np.float32)
ASKED = np.random.default_rng(2).standard_normal((9, 7)).astype(np.float32)


# Its checks warn where they skip one that needs array_api or pandas.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(  # type: ignore[untyped-decorator]  # scikit-learn has no types
    [
        MitameNeighbors(),
        MitameNeighbors(metric="cosine"),
        MitameNeighbors(mode="connectivity", engine="exact"),
    ]
)
def test_estimator_checks(estimator: Any, check: Any) -> None:
    """Every check that scikit-learn has for an estimator of this kind."""
    check(estimator)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_the_graph_is_what_scikit_learn_gives(metric: str, mode: str) -> None:
    """Same entries in the same order, for fitted rows (each its own first neighbour) and others."""
    ours = MitameNeighbors(6, metric=metric, mode=mode).fit(ROWS)
    theirs = KNeighborsTransformer(n_neighbors=6, metric=metric, mode=mode).fit(ROWS)
    for asked in (ROWS, ASKED):
        mine, other = ours.transform(asked), theirs.transform(asked)
        assert mine.shape == other.shape
        assert mine.format == "csr"
        np.testing.assert_array_equal(mine.indptr, other.indptr)
        np.testing.assert_array_equal(mine.indices, other.indices)
        np.testing.assert_allclose(mine.data, other.data, atol=2e-6)
        assert mine.data.dtype == np.float64
    np.testing.assert_array_equal(ours.transform(ROWS).indices.reshape(120, -1)[:, 0], range(120))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_kneighbors_is_what_scikit_learn_gives(metric: str) -> None:
    """With queries, and without any: then no row is its own neighbour."""
    ours = MitameNeighbors(4, metric=metric).fit(ROWS)
    theirs = KNeighborsTransformer(n_neighbors=4, metric=metric).fit(ROWS)
    for asked in (None, ASKED):
        distances, ids = ours.kneighbors(asked)
        expected, others = theirs.kneighbors(asked)
        np.testing.assert_array_equal(ids, others)
        np.testing.assert_allclose(distances, expected, atol=2e-6)
        np.testing.assert_array_equal(ours.kneighbors(asked, 2, return_distance=False), ids[:, :2])
    graph = ours.kneighbors_graph()
    assert graph.shape == (120, 120)
    assert graph.diagonal().sum() == 0
    assert set(graph.data) == {1.0}


def test_rows_that_are_equal_are_never_their_own_neighbour() -> None:
    """Among more duplicates than neighbours, a row may be missing from its own list."""
    ours = MitameNeighbors(3).fit(np.ones((9, 2)))
    _, ids = ours.kneighbors()
    assert ids.shape == (9, 3)
    assert not (ids == np.arange(9)[:, np.newaxis]).any()
    assert all(len(set(line)) == 3 for line in ids)


def test_inside_a_pipeline() -> None:
    """An estimator that takes a precomputed sparse graph gets the same labels as on vectors."""
    rows = np.concatenate([ROWS[:40], ROWS[40:80] + 30, ROWS[80:] - 30])
    kinds = np.repeat([0, 1, 2], 40)
    labels = make_pipeline(
        MitameNeighbors(20), DBSCAN(eps=2.5, min_samples=4, metric="precomputed")
    ).fit_predict(rows)
    assert set(labels) >= {0, 1, 2}
    nearest = make_pipeline(
        MitameNeighbors(5, mode="distance"), KNeighborsClassifier(5, metric="precomputed")
    ).fit(rows, kinds)
    assert nearest.score(rows, kinds) == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"metric": "manhattan"},
        {"mode": "both"},
        {"engine": "none"},
        {"recall": 0},
        {"recall": 1.5},
        {"n_neighbors": 0},
        {"n_neighbors": 2.5},
        {"effort": 2.0},
        {"settings": {"no_such": 1}},
    ],
    ids=str,
)
def test_parameters_that_cannot_be(parameters: dict[str, Any]) -> None:
    """Refused by `fit`, or by the first search, with a remedy."""
    with pytest.raises(UsageError) as caught:
        MitameNeighbors(**parameters).fit(ROWS).kneighbors()
    assert caught.value.remedy


def test_calls_that_cannot_be() -> None:
    """More neighbours than rows, a mode that is none, nothing fitted."""
    ours = MitameNeighbors().fit(ROWS[:5])
    assert ours.kneighbors(ASKED, 5)[1].shape == (9, 5)
    for asked, count in ((ASKED, 6), (None, 5)):
        with pytest.raises(UsageError, match="neighbours are asked of 5 rows"):
            ours.kneighbors(asked, count)
    with pytest.raises(UsageError, match="mode"):
        ours.kneighbors_graph(ASKED, mode="both")
    with pytest.raises(NotFittedError):
        MitameNeighbors().kneighbors(ASKED)


class Blurred:
    """An engine that looks at the first share of the rows, as large as the effort."""

    name = "blurred"
    abilities = Abilities(exact=False, distances=frozenset({"euclidean"}))

    def build(self, vectors: NDArray[np.float32], distance: Any, **settings: Any) -> Any:
        self.built_with = settings
        self.inner = ExactEngine().build(vectors, distance)
        return self

    def candidates(self, rows: int, dimension: int) -> list[Candidate]:
        return [Candidate({"lists": rows // 10}, (0.1, 0.5, 0.8, 1.0))]

    def search(self, queries: Any, k: int, *, effort: float) -> Any:
        allow = np.arange(self.inner.rows) < effort * self.inner.rows
        return self.inner.search(queries, k, allow=allow)


def test_effort_is_chosen_for_the_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that reaches it on rows asked; a given effort is taken as it is."""
    engine = Blurred()
    found = {"blurred": engine, "exact": ExactEngine()}
    monkeypatch.setattr(mitame.sklearn, "find", found.__getitem__)
    ours = MitameNeighbors(engine="blurred", recall=0.7, random_state=3).fit(ROWS)
    assert ours.effort_ == 0.8
    assert ours.recall_ is not None
    assert 0.7 <= ours.recall_ < 1
    assert engine.built_with == {"seed": 3, "lists": 12}
    assert MitameNeighbors(engine="blurred", recall=1.0).fit(ROWS).effort_ == 1.0
    given = MitameNeighbors(engine="blurred", effort=0.5, settings={"lists": 3}).fit(ROWS)
    assert (given.effort_, given.recall_) == (0.5, None)
    assert engine.built_with == {"seed": 0, "lists": 3}


def test_auto_is_exact_for_few_rows() -> None:
    """And says so; recall is then 1."""
    ours = MitameNeighbors().fit(ROWS)
    assert (ours.engine_, ours.effort_, ours.recall_) == ("exact", None, 1.0)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_pickled_and_back(metric: str) -> None:
    """The index is opened from its parts: the same answers, and fitted rows are not touched."""
    before = ROWS.copy()
    ours = MitameNeighbors(metric=metric).fit(ROWS)
    again = pickle.loads(pickle.dumps(ours))
    for one, other in zip(ours.kneighbors(ASKED), again.kneighbors(ASKED), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(ROWS, before)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    spec = spec_from_file_location("another", mitame.sklearn.__file__)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(MissingExtra) as caught:
        spec.loader.exec_module(module_from_spec(spec))
    assert "mitame[sklearn]" in caught.value.remedy


def test_the_page_is_true(tmp_path: Path) -> None:
    """Every example of docs/sklearn.md runs as it stands."""
    page = Path(__file__).parent.parent / "docs" / "sklearn.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        result = subprocess.run(
            [sys.executable, "-c", block], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert result.returncode == 0, result.stderr
