"""How many each stage hands on, by effort and by what the rows are like."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mitame.engines.cascade.effort import Kind, plan_for
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.cascade.kinds import kind_of
from mitame.engines.cascade.parts import read_parts
from tests.engines.cascade.made import made, rows_of


@pytest.mark.parametrize(
    ("dimension", "fall", "kind"),
    [(48, 0.0, "bare"), (160, 0.0, "spread"), (48, 1.5, "close"), (700, 0.0, "tailed")],
)
def test_an_index_knows_its_kind_of_rows(dimension: int, fall: float, kind: Kind) -> None:
    """Its parts tell whether near rows are in many lists, and whether codes leave much out."""
    rows = rows_of(3_000, dimension, fall=fall)
    stored = read_parts(rows, "euclidean", CascadeEngine().build(rows, "euclidean").save())
    assert stored is not None
    assert kind_of(stored.parts, stored.shape) == kind


@pytest.mark.parametrize(
    ("name", "wrong", "kind"),
    [
        ("node-steps", np.nan, "close"),
        ("node-steps", np.inf, "close"),
        ("node-steps", 0.0, "spread"),
        ("row-steps", np.nan, "close"),
        ("row-steps", np.inf, "spread"),
        ("row-steps", 0.0, "close"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_damaged_steps_are_no_error(name: str, wrong: float, kind: Kind) -> None:
    """Whatever stands in the steps, they tell some kind of rows, and NumPy warns of nothing."""
    rows = rows_of(300, 160)
    stored = read_parts(rows, "euclidean", CascadeEngine().build(rows, "euclidean").save())
    assert stored is not None
    steps = np.full_like(stored.parts[name], wrong)
    assert kind_of({**stored.parts, name: steps}, stored.shape) == kind


@pytest.mark.parametrize("residuals", [True, False])
@pytest.mark.parametrize("kind", ["close", "spread", "tailed", "bare"])
@pytest.mark.parametrize("edges", [True, False])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_more_effort_hands_on_more(k: int, edges: bool, kind: Kind, residuals: bool) -> None:
    """No stage looks at fewer rows where effort is higher, the last at k at least; most at more."""
    plans = [
        plan_for(step / 20, k, roots=77, lists=5_919, edges=edges, kind=kind, residuals=residuals)
        for step in range(20)
    ]
    for low, high in pairwise(plans):
        assert low.roots <= high.roots
        assert low.lists <= high.lists
        assert low.shorts <= high.shorts
        assert low.beam <= high.beam
        assert low.refined <= high.refined
        assert k <= low.exact <= high.exact
    least, most = plans[0], plans[-1]
    assert least.roots < most.roots
    assert least.lists < most.lists
    assert least.beam < most.beam
    assert least.exact < most.exact


def test_spread_rows_are_sought_in_more_lists() -> None:
    """The same rows' plan opens more lists and hands on fewer candidates of each."""
    close = plan_for(0.5, 10, roots=77, lists=5_919, edges=False)
    spread = plan_for(0.5, 10, roots=77, lists=5_919, edges=False, kind="spread")
    assert spread.lists > close.lists
    assert spread.shorts < close.shorts


@pytest.mark.parametrize("edges", [True, False])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_residuals_spare_whole_rows(k: int, edges: bool) -> None:
    """At every effort no more are looked at whole, more are refined, and all else is the same."""
    for effort in (0.0, 0.3, 0.6, 0.95):
        plain, refined = (
            plan_for(
                effort, k, roots=77, lists=5_919, edges=edges, kind="tailed", residuals=residuals
            )
            for residuals in (False, True)
        )
        assert plain.refined == 0
        assert refined.numbers[:4] == plain.numbers[:4]
        assert refined.exact <= plain.exact
        assert refined.refined >= min(refined.exact, refined.beam)
    assert refined.exact < plain.exact


@pytest.mark.parametrize("residuals", [True, False])
def test_an_index_refines_where_its_rows_have_residuals(residuals: bool) -> None:
    """Those that an earlier version saved have none."""
    rows = rows_of(300, 400, fall=0)
    index = made(rows, "euclidean", residuals=residuals, degree=0).opened()
    assert (index._plan(10, 0.5, None)[4] > 0) == residuals
