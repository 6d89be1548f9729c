"""docs/http.md has every route, and each of its examples works on a real server, in its order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import mitame
from mitame.config import ServeConfig
from mitame.serving.page.files import page
from mitame.serving.table import routes_of
from tests.serving.item_server import picture
from tests.serving.running_server import Server

PAGE = Path(__file__).parents[2] / "docs" / "http.md"


class Row(NamedTuple):
    """A line of the page's tables."""

    route: str
    role: str
    request: str
    body: str


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            request, body = re.fullmatch(r"`([^`]+)`(?: `([^`]+)`)?", cells[3]).groups()  # type: ignore[union-attr]
            found.append(Row(cells[0].strip("` "), cells[1], request, body or ""))
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "mug.jpg").write_bytes(picture(1, "JPEG"))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Server]:
    """With gannoy's routes, a collection ``old``, and one of pictures."""
    data = tmp_path_factory.mktemp("data")
    mitame.open(data, "old").close()
    with mitame.open(data, "pictures", lenses={"color": "color"}) as found:
        found.index(pictures)
    with Server(data, "--gannoy") as running:
        yield running


def test_every_route_is_on_the_page_with_its_role() -> None:
    """Once each, and nothing else."""
    routes = routes_of(ServeConfig(Path(), gannoy=True))
    wanted = {f"{route.method} {route.path}": route.role.word for route in routes}
    found = [(row.route, row.role) for row in rows()]
    assert dict(found) == wanted
    assert len(found) == len(wanted)


def test_examples_are_of_their_routes() -> None:
    """Each example asks its line's own route."""
    for row in rows():
        method, path = row.route.split()
        pattern = re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(path))
        assert re.fullmatch(rf"{method} {pattern}(\?.*)?", row.request), row


def test_every_example_works(server: Server, pictures: Path) -> None:
    """From the first to the last, each answers success; jobs end before what needs them."""
    made = {"VERSION": page().version}
    with mitame.Client(server.url) as client:
        for row in rows():
            request = row.request
            for word, value in made.items():
                request = request.replace(word, value)
            method, path = request.split()
            body = row.body.replace("/srv/pictures", str(pictures))
            answer = server.ask(method, path, json.loads(body) if body else None)
            assert answer.status < 300, (row, answer)
            if answer.status == 202 and answer.body:
                made["JOB"] = job = answer.json()["job"]
                if not path.endswith("/tune"):
                    client.wait(job)
            if path.endswith(":decide"):
                made["DECISION"] = answer.json()["id"]
