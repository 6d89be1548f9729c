"""Damaged, newer and vanishing files: an answer or a 503, and never the end of nginx."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mitame.collection.snapshot import seal
from tests.deploy.inside import ODD_IDS, Inside, fill, inside
from tests.deploy.running_nginx import needs_lua

pytestmark = needs_lua
NEEDED = (
    "items-alive",
    "items-id-offsets",
    "items-id-text",
    "lens-1-owners",
    "lens-1-neighbors-about.json",
    "lens-1-neighbors-items",
    "lens-1-neighbors-lists",
)
ROUNDS = int(os.environ.get("MITAME_FUZZ_ROUNDS", "60"))
"""Damaged collections of the random test; more for a longer look."""
HEADER = 64


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("template")
    fill(found, "shop", 12)
    return found / "shop"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    found = tmp_path_factory.mktemp("data")
    shutil.copytree(template, found / "shop")
    return found


@pytest.fixture(scope="module")
def asking(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with inside(tmp_path_factory.mktemp("nginx"), data) as running:
        running.wait(lambda: running.ids("p0") != 503)
        yield running


@pytest.fixture
def copy(data: Path, template: Path) -> Path:
    """A collection of its own, which is to be damaged before it is asked."""
    found = data / f"copy{len(list(data.iterdir()))}"
    shutil.copytree(template, found)
    return found


def snapshot(collection: Path) -> Path:
    return collection / "snapshots" / "000001"


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def tried(asking: Inside, copy: Path) -> bool:
    """Whether nginx has looked at a collection and would not have it."""
    asking.ids("p0", 10, copy.name)
    return f"mitame: {copy}: " in asking.nginx.log.read_text()


def opened_or_tried(asking: Inside, copy: Path) -> bool:
    """Whether nginx has made up its mind about a collection."""
    return asking.ids("none", 1, copy.name) == 404 or tried(asking, copy)


def refused(asking: Inside, copy: Path) -> None:
    """It was looked at and is 503, and the worker goes on with the others."""
    workers = asking.workers()
    asking.wait(lambda: tried(asking, copy))
    assert asking.ids("p0", 10, copy.name) == 503
    assert isinstance(asking.ids("p0"), list)
    assert asking.workers() == workers


@pytest.mark.parametrize("part", NEEDED)
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(path, 3),
        lambda path: flip(path, 20),
        lambda path: flip(path, 60),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b"x"),
        lambda path: path.write_bytes(b""),
        Path.unlink,
    ],
    ids=["magic", "kind", "shape", "shorter", "longer", "empty", "missing"],
)
def test_damaged_part(asking: Inside, copy: Path, part: str, damage: Callable[[Path], Any]) -> None:
    """A part with a wrong header or length, or none: 503, and nothing else."""
    damage(snapshot(copy) / f"{part}.part")
    refused(asking, copy)


@pytest.mark.parametrize(
    "what", ["newer", "flipped", "empty", "missing", "other generation", "no lens"]
)
def test_damaged_manifest(asking: Inside, copy: Path, what: str) -> None:
    """A snapshot's manifest that can't be used."""
    path = snapshot(copy) / "manifest.json"
    content = json.loads(path.read_bytes())
    del content["checksum"]
    changed: dict[str, dict[str, object]] = {
        "newer": {"format": 2},
        "other generation": {"generation": 2},
        "no lens": {"lenses": []},
    }
    if what in changed:
        path.write_bytes(seal({**content, **changed[what]}))
    elif what == "flipped":
        flip(path, 200)
    elif what == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    refused(asking, copy)


@pytest.mark.parametrize(
    "root", [{"format": 3, "generation": 1}, {"format": 2, "generation": -1}, {"format": 2}]
)
def test_root_that_is_not_known(asking: Inside, copy: Path, root: dict[str, int]) -> None:
    """A root manifest of a later format, or without sense."""
    (copy / "manifest.json").write_bytes(seal(root))
    refused(asking, copy)


def test_pipe_in_place_of_a_part(asking: Inside, copy: Path) -> None:
    """A pipe, which would never end, holds nobody up."""
    path = snapshot(copy) / "lens-1-owners.part"
    path.unlink()
    os.mkfifo(path)
    refused(asking, copy)


def test_whole_again(asking: Inside, copy: Path) -> None:
    """A collection that could not be served is served soon after it is mended."""
    path = snapshot(copy) / "lens-1-owners.part"
    path.rename(path.with_suffix(".away"))
    refused(asking, copy)
    path.with_suffix(".away").rename(path)
    asking.wait(lambda: asking.ids("p0", 10, copy.name) == asking.ids("p0"))


def test_any_bytes_in_parts(tmp_path: Path, template: Path) -> None:
    """Random bytes in the elements of any part: each answer is an array of texts, 404 or 503."""
    drawn = random.Random(5)
    for number in range(ROUNDS):
        copy = tmp_path / "data" / f"copy{number}"
        shutil.copytree(template, copy)
        path = snapshot(copy) / f"{drawn.choice(NEEDED)}.part"
        content = bytearray(path.read_bytes())
        for _ in range(drawn.choice((1, 8, len(content)))):
            content[drawn.randrange(HEADER, len(content))] = drawn.choice(
                (0, 255, drawn.randrange(256))
            )
        path.write_bytes(content)
    with inside(tmp_path / "nginx", tmp_path / "data", name="copy0") as asking:
        workers, seen = asking.workers(), set()
        for number in range(ROUNDS):
            name = f"copy{number}"
            copy = tmp_path / "data" / name
            asking.wait(partial(opened_or_tried, asking, copy))
            for item in ("p0", "p5", *ODD_IDS):
                found = asking.ids(item, 100, name)
                assert found in (404, 503) or all(isinstance(each, str) for each in found)
                seen.add(found if isinstance(found, int) else 200)
        assert asking.workers() == workers
        assert seen == {200, 404, 503}


def test_part_cut_off_while_it_is_mapped(tmp_path: Path, template: Path) -> None:
    """What no program survives, a mapped file cut off, costs one worker, which nginx replaces."""
    data = tmp_path / "data"
    shutil.copytree(template, data / "shop")
    with inside(tmp_path / "nginx", data) as asking:
        asking.wait(lambda: isinstance(asking.ids("p0"), list))
        before = asking.workers()
        os.truncate(snapshot(data / "shop") / "lens-1-neighbors-lists.part", 0)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            asking.ids("p0")
        asking.wait(lambda: asking.workers() != before)
        assert asking.ids("p0") == 503
