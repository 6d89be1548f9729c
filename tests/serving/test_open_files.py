"""A worker lets go of the files of generations that are gone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.collection.paths import SNAPSHOTS
from tests.serving.processes import children, until
from tests.serving.running_server import Server

ITEMS = 120
MERGES = 6
_EACH = ITEMS // MERGES


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_answers_keep_no_generation(tmp_path: Path) -> None:
    """Answers are kept from each of six generations, five of which others have replaced; of all
    the files that were removed the worker has at most those of the one that it served last."""
    rng = np.random.default_rng(1)
    with mitame.open(tmp_path, "shop", lenses={"look": "vectors:8"}) as shop:
        for number in range(ITEMS):
            shop.add(number, vector=rng.normal(size=8))
        shop.store.merge(keep=1)
        with Server(tmp_path, "--workers", "1") as server:
            (worker,) = children(server)
            for merge in range(MERGES):
                for number in range(merge * _EACH, (merge + 1) * _EACH):
                    ask(server, str(number))
                assert mapped(worker)
                shop.add(f"more-{merge}", vector=rng.normal(size=8))
                shop.store.merge(keep=1)
                ask(server, f"more-{merge}")
            until(lambda: len(removed(worker)) <= 1, "files of at most one removed generation")


def ask(server: Server, item: str) -> None:
    """Twice: the second answer is the kept one."""
    path = f"/v1/collections/shop/items/{item}/similar"
    for _ in range(2):
        assert server.ask("GET", path).status == 200


def mapped(process: int) -> set[str]:
    """Files of snapshots that a process has mapped, as the system names them."""
    lines = Path(f"/proc/{process}/maps").read_text(encoding="utf-8").splitlines()
    return {line.split(None, 5)[5] for line in lines if f"/{SNAPSHOTS}/" in line}


def removed(process: int) -> set[str]:
    """Folders of mapped files that are not there any more."""
    return {str(Path(name).parent) for name in mapped(process) if name.endswith(" (deleted)")}
