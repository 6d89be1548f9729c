"""Fixtures that many tests share: drawn pictures, an indexed collection, the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mitame
from mitame.demo.drawn import draw_catalogue

Run = Callable[..., subprocess.CompletedProcess[str]]
COUNT = 96


@pytest.fixture(scope="session", autouse=True)
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The models' cache in a temporary place, so that tests never use what a user has."""
    cache = tmp_path_factory.mktemp("cache")
    before = os.environ.get("MITAME_CACHE")
    os.environ["MITAME_CACHE"] = str(cache)
    yield cache
    if before is None:
        del os.environ["MITAME_CACHE"]
    else:
        os.environ["MITAME_CACHE"] = before


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pictures, ``KIND/NAME.jpg``; not to be changed."""
    folder = tmp_path_factory.mktemp("catalogue")
    draw_catalogue(folder, count=COUNT, size=160)
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Path:
    """A data directory whose default collection holds the catalogue; not to be changed."""
    data = tmp_path_factory.mktemp("data")
    with mitame.open(data) as shop:
        shop.index(catalogue, category_from_folder=True)
    return data


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the real command in a process of its own: ``run("search", "x.jpg", data=...)``."""

    def call(
        *words: object,
        data: Path = tmp_path / "data",
        stdin: bytes | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "mitame", *map(str, words)],
            env={**os.environ, "MITAME_DATA": str(data)},
            input=stdin,
            capture_output=True,
            cwd=cwd,
            timeout=120,
            check=False,
        )
        return subprocess.CompletedProcess(
            result.args, result.returncode, result.stdout.decode(), result.stderr.decode()
        )

    return call
