"""mitame's engines behind scikit-learn's neighbour interface.

    from mitame.sklearn import MitameNeighbors

    graph = MitameNeighbors(n_neighbors=15, metric="cosine").fit_transform(vectors)

The graph is what `sklearn.neighbors.KNeighborsTransformer` gives: any estimator that takes a
precomputed sparse one (DBSCAN, TSNE, Isomap, KNeighborsClassifier, ...) takes it. Needs the extra
``sklearn``; scikit-learn 1.6 or later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.distances import Distance, normalise
from mitame.engines.catalog import ENGINES, find
from mitame.engines.measuring import questions, recall
from mitame.engines.protocol import Engine, Index
from mitame.errors import MissingExtra, UsageError

try:
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise MissingExtra("mitame.sklearn", "sklearn") from error

METRICS: tuple[Distance, ...] = ("euclidean", "cosine")
EXACT_UP_TO = 10_000
"""Rows up to which ``engine="auto"`` looks at each of them."""
_SAMPLED = 200
"""Rows that are asked to find the effort for a recall."""
_PREFERRED = "cascade"

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


# scikit-learn's base classes have no types; mixins stand left of BaseEstimator, as it asks.
class MitameNeighbors(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Nearest neighbours of vectors, as a search and as a transformer to a sparse graph.

    Vectors are kept as float32. Distances are exact for the rows that are answered, float64, in
    the metric's own unit: Euclidean, or 1 - cosine.

    Args:
        n_neighbors: how many are asked for when a call doesn't say.
        metric: ``euclidean`` or ``cosine``.
        mode: what `transform` weighs an edge by: ``distance``, or ``connectivity`` (1).
        engine: a name of the catalogue; ``auto`` is `exact` up to 10,000 rows, and above it
            `cascade` where that is there.
        recall: share of the true neighbours that is wanted, above 0 to 1. `fit` asks some of the
            rows and takes the least effort that finds so many. Without meaning where the
            engine is exact.
        effort: 0 (quickest) to 1 (all) instead; then `recall` isn't looked at.
        settings: of the engine's build; its own first choice when None.
        random_state: an int; seed of the build and of the rows that are asked. None is 0.

    Attributes:
        n_features_in_: floats per vector.
        feature_names_in_: where the vectors came with names.
        n_samples_fit_: rows.
        engine_: name of the engine that was taken.
        effort_: with which it is asked; None for its own default.
        recall_: what was measured over the rows asked; 1.0 where the engine is exact, None where
            `effort` was given.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        metric: str = "euclidean",
        mode: str = "distance",
        engine: str = "auto",
        recall: float = 0.95,
        effort: float | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.mode = mode
        self.engine = engine
        self.recall = recall
        self.effort = effort
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> MitameNeighbors:  # noqa: ARG002, N803 (scikit-learn's signature)
        """Build the index.

        Args:
            X: float[rows, features]; finite.
            y: not used; as scikit-learn's conventions ask.

        Raises:
            UsageError: a parameter that can't be.
            ValueError: scikit-learn's own, where X is not an array of finite rows.
            MissingExtra: the engine's library is not installed.
        """
        self._check()
        rows = np.ascontiguousarray(validate_data(self, X, dtype=np.float32))
        self._rows = normalise(rows) if self.metric == "cosine" else rows
        self.n_samples_fit_ = self._n_features_out = len(rows)
        engine = find(self._engine_name(len(rows)))
        self.engine_ = engine.name
        self._index = self._built(engine)
        self.effort_, self.recall_ = self._chosen(engine)
        return self

    def _check(self) -> None:
        for name, allowed in (("metric", METRICS), ("mode", ("distance", "connectivity"))):
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}", remedy=f"use {' or '.join(allowed)}"
                )
        if not 0 < self.recall <= 1:
            raise UsageError(f"recall is {self.recall}", remedy="use a share above 0, at most 1")
        _check_count(self.n_neighbors)

    def _engine_name(self, rows: int) -> str:
        if self.engine != "auto":
            return self.engine
        return _PREFERRED if rows > EXACT_UP_TO and _PREFERRED in ENGINES else "exact"

    @property
    def _distance(self) -> Distance:
        return "cosine" if self.metric == "cosine" else "euclidean"

    @property
    def _seed(self) -> int:
        return 0 if self.random_state is None else int(self.random_state)

    def _built(self, engine: Engine) -> Index:
        own = self.settings
        if own is None:
            own = engine.candidates(*self._rows.shape)[0].settings
        return engine.build(self._rows, self._distance, **{"seed": self._seed, **own})

    def _chosen(self, engine: Engine) -> tuple[float | None, float | None]:
        """The effort, and the recall that was measured with it."""
        if self.effort is not None:
            return self.effort, None
        if engine.abilities.exact:
            return None, 1.0
        k = min(self.n_neighbors, max(1, len(self._rows) - 1))
        exact = find("exact").build(self._rows, self._distance)
        asked = questions(self._rows, exact, k=k, sample=_SAMPLED, seed=self._seed)
        efforts = engine.candidates(*self._rows.shape)[0].efforts
        measured = 0.0
        for effort in efforts:
            found = self._index.search(asked.queries, asked.asked, effort=effort)
            measured = recall(found, asked)
            if measured >= self.recall:
                return effort, measured
        return efforts[-1], measured

    def kneighbors(
        self,
        X: ArrayLike | None = None,  # noqa: N803 (scikit-learn's signature)
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> tuple[Floats, Ids] | Ids:
        """The nearest rows of each vector, nearest first.

        Args:
            X: float[queries, features]; the fitted rows themselves when None, and then none is
                its own neighbour.
            n_neighbors: how many; those of the constructor when None.
            return_distance: False leaves the distances out.

        Returns:
            float64[queries, n_neighbors] and int64 of the same shape, or the latter alone.

        Raises:
            UsageError: more neighbours than there are rows.
            ValueError: scikit-learn's own, where X is not an array of finite rows.
            NotFittedError: scikit-learn's own.
        """
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        _check_count(k)
        itself = X is None
        if k + itself > self.n_samples_fit_:
            raise UsageError(
                f"{k} neighbours are asked of {self.n_samples_fit_} rows",
                remedy=f"use n_neighbors up to {self.n_samples_fit_ - itself}",
            )
        queries = self._rows if X is None else self._queries(X)
        found = self._index.search(queries, k + itself, effort=self.effort_)
        ids, distances = found.ids, found.distances.astype(np.float64)
        if itself:
            ids, distances = _others(ids, distances)
        return (distances, ids) if return_distance else ids

    def _queries(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803 (as in the methods)
        return np.ascontiguousarray(validate_data(self, X, dtype=np.float32, reset=False))

    def kneighbors_graph(
        self,
        X: ArrayLike | None = None,  # noqa: N803 (scikit-learn's signature)
        n_neighbors: int | None = None,
        mode: str = "connectivity",
    ) -> csr_matrix:
        """The neighbours as a sparse matrix, one line per vector, one column per fitted row.

        Args:
            X: as in `kneighbors`.
            n_neighbors: as in `kneighbors`.
            mode: what an edge weighs: 1, or its ``distance``.

        Returns:
            float64 CSR[queries, rows]; each line's entries stand nearest first, those of weight
            0 among them.

        Raises:
            UsageError: another mode, or as in `kneighbors`.
        """
        check_is_fitted(self)
        if mode not in ("connectivity", "distance"):
            raise UsageError(f"mode is {mode!r}", remedy="use connectivity or distance")
        distances, ids = self.kneighbors(X, n_neighbors)
        weights = distances if mode == "distance" else np.ones_like(distances)
        starts = np.arange(0, ids.size + 1, ids.shape[1])
        return csr_matrix(
            (weights.ravel(), ids.ravel(), starts), shape=(len(ids), self.n_samples_fit_)
        )

    def transform(self, X: ArrayLike) -> csr_matrix:  # noqa: N803 (scikit-learn's signature)
        """The neighbours of vectors as a sparse graph; see `kneighbors_graph`.

        As with scikit-learn's own transformer, a fitted row is its own first neighbour, and for
        ``distance`` there is one neighbour more than `n_neighbors`, so that an estimator which
        leaves the row itself out still has enough.
        """
        check_is_fitted(self)
        more = int(self.mode == "distance")
        return self.kneighbors_graph(X, self.n_neighbors + more, mode=self.mode)

    def __getstate__(self) -> dict[str, Any]:
        """Without the index, which may hold what no process can hand on: its parts instead."""
        state: dict[str, Any] = dict(super().__getstate__())
        index = state.pop("_index", None)
        if index is not None:
            state["_parts"] = {name: np.array(part) for name, part in index.save().items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the index over the rows again."""
        parts = state.pop("_parts", None)
        super().__setstate__(state)
        if parts is not None:
            self._index = find(self.engine_).open(self._rows, self._distance, parts)


def _check_count(count: int) -> None:
    if not isinstance(count, int | np.integer) or count < 1:
        raise UsageError(f"n_neighbors is {count!r}", remedy="use a whole number from 1")


def _others(ids: Ids, distances: Floats) -> tuple[Ids, Floats]:
    """Without each row itself; without the last one where a row was not among its own."""
    keep = ids != np.arange(len(ids))[:, np.newaxis]
    keep[keep.all(axis=1), -1] = False
    shape = (len(ids), ids.shape[1] - 1)
    return ids[keep].reshape(shape), distances[keep].reshape(shape)
