"""The adapter for ann-benchmarks, driven as its runner would, from its own configuration."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import sys
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mitame.engines.catalog import ENGINES

ADAPTER = Path(__file__).parents[2] / "examples" / "ann_benchmarks"
BASE = '''
class BaseANN:
    """A stand-in: what an adapter may rely on."""

    def done(self):
        pass

    def get_additional(self):
        return {}
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The adapter in the place where ann-benchmarks would import it."""
    algorithms = tmp_path / "ann_benchmarks" / "algorithms"
    (algorithms / "base").mkdir(parents=True)
    (algorithms / "base" / "module.py").write_text(BASE)
    shutil.copytree(ADAPTER, algorithms / "mitame")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("ann_benchmarks")]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module(f"{setting('module')}.module")


def setting(name: str) -> str:
    found = re.search(rf"^ +{name}: (.+)$", (ADAPTER / "config.yml").read_text(), re.MULTILINE)
    assert found
    return found[1]


def groups() -> dict[str, tuple[list[Any], list[Any]]]:
    """Constructor arguments and efforts of each run group."""
    pattern = r"^ +(\w+):\n +args: (.+)\n +query_args: (.+)$"
    text = (ADAPTER / "config.yml").read_text()
    found = re.findall(pattern, text, re.MULTILINE)
    return {name: (json.loads(args), json.loads(efforts)) for name, args, efforts in found}


def test_configuration_names_the_class_and_engines() -> None:
    """Every run group sweeps efforts from 0 to 1; the image's tag and the folder are ours."""
    assert setting("docker_tag") == "ann-benchmarks-mitame"
    assert set(groups()) == {"cascade", "exact"}
    for name, (args, efforts) in groups().items():
        assert args[0] == [name]
        assert efforts[0] == sorted(efforts[0])
        assert all(0 <= effort <= 1 for effort in efforts[0])


@pytest.mark.parametrize("metric", ["angular", "euclidean"])
@pytest.mark.parametrize("group", ["exact", "cascade"])
def test_a_run(module: ModuleType, metric: str, group: str) -> None:
    """fit, each effort, single and batch queries: at full effort the answer is the true one."""
    if group not in ENGINES:
        pytest.skip(f"the catalogue has no engine {group}")
    rng = np.random.default_rng(5)
    rows, asked = rng.standard_normal((600, 16)), rng.standard_normal((7, 16))
    scaled = rows, asked
    if metric == "angular":
        scaled = tuple(each / np.linalg.norm(each, axis=1, keepdims=True) for each in scaled)
    away = np.linalg.norm(scaled[0][np.newaxis] - scaled[1][:, np.newaxis], axis=2)
    truth = np.argsort(away, axis=1)[:, :10]
    arguments, efforts = groups()[group]
    for words in product(*arguments):
        algorithm = getattr(module, setting("constructor"))(metric, *words)
        algorithm.fit(rows.astype(np.float32))
        for effort in efforts[0]:
            algorithm.set_query_arguments(effort)
            assert str(effort) in str(algorithm)
            found = [algorithm.query(each, 10) for each in asked]
            assert all(len(set(line)) == 10 for line in found)
            algorithm.batch_query(asked, 10)
            np.testing.assert_array_equal(algorithm.get_batch_results(), found)
        np.testing.assert_array_equal(found, truth)
        assert algorithm.get_additional()["index_bytes"] >= 0
        algorithm.done()


def test_fewer_rows_than_asked(module: ModuleType) -> None:
    """The padding of our answers never reaches the harness, which would look such a row up."""
    algorithm = getattr(module, setting("constructor"))("euclidean", "exact")
    algorithm.fit(np.eye(3, dtype=np.float32))
    assert sorted(algorithm.query(np.ones(3), 10)) == [0, 1, 2]
    algorithm.batch_query(np.ones((2, 3)), 10)
    assert [len(line) for line in algorithm.get_batch_results()] == [3, 3]
