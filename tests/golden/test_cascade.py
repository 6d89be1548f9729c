"""Indexes of the cascade as they were first saved are opened and answer for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame import native
from mitame.engines.cascade.engine import CascadeEngine
from tests.golden.make_cascade_1 import KINDS, K, narrow, rows_of

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.parametrize("name", list(KINDS)),
    pytest.mark.parametrize("kernel", native.usable()),
]


def parts_of(name: str) -> dict[str, NDArray[Any]]:
    with np.load(HERE / f"cascade-1-{name}.npz", allow_pickle=False) as found:
        return dict(found)


def test_cascade_1_gives_the_nearest(name: str, kernel: str) -> None:
    """At high effort exactly those that were written down."""
    kind, rows = KINDS[name], rows_of(KINDS[name])
    told = json.loads((HERE / "cascade-1.json").read_text(encoding="utf-8"))[name]
    with native.forced(kernel):
        index = CascadeEngine().open(rows, kind.distance, parts_of(name))
        found = index.search(rows[:8], K, effort=0.999)
    np.testing.assert_allclose(found.distances, told["distances"], rtol=1e-5, atol=1e-5)
    assert found.ids.tolist() == told["ids"]


def test_cascade_1_codes_mean_what_they_meant(name: str, kernel: str) -> None:
    """A narrow plan, by which estimates decide, finds what it found: codes, steps, norms or centres
    that are read in another way find other rows. Who changes what the stages choose, but not what
    the parts mean, may write these rows down anew."""
    kind = KINDS[name]
    told = json.loads((HERE / "cascade-1.json").read_text(encoding="utf-8"))[name]
    with native.forced(kernel):
        found = narrow(rows_of(kind), kind, parts_of(name))
    assert found.tolist() == told["narrow"]


def test_cascade_1_has_what_it_is_for(name: str, kernel: str) -> None:
    """All optional parts are among the files."""
    parts = parts_of(name)
    assert ("edges" in parts) == (name in {"edges", "residuals", "behind"})
    assert ("tails" in parts) == (name in {"tails", "residuals"})
    assert ("residuals" in parts) == (name in {"residuals", "behind"})
    assert (parts["nodes"].shape[1] == 192) == (name == "behind")
    assert (not parts["nodes"].size) == (name == "bare")
