"""Gauges and stages of a real server move while something happens, and come back after it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from mitame.embedders.color import BATCH
from mitame.serving.seeing.exposition import Sample, parsed
from tests.serving.item_server import PICTURES, item_server, picture
from tests.serving.processes import until
from tests.serving.raw import HEAD, connected, one_answer
from tests.serving.running_server import Server
from tests.serving.slow_site import Site, slow_site

BEGUN = b"PUT /v1/collections/%s HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD
EMBED = "/v1/embed?embedder=color"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, which may ask this machine for pictures, and a runner."""
    data = tmp_path_factory.mktemp("data")
    with item_server(data, Server(data, "--allow-private", "--access-log", "")) as running:
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    with slow_site() as running:
        yield running


def found(server: Server, name: str, **labels: str) -> list[Sample]:
    """A metric's samples that have these labels."""
    page = server.ask("GET", "/metrics").body.decode()
    return [s for s in parsed(page) if s.name == name and labels.items() <= s.labels.items()]


def value(server: Server, name: str, **labels: str) -> float:
    """Their sum."""
    return sum(sample.value for sample in found(server, name, **labels))


def test_requests_in_flight(server: Server) -> None:
    """Five requests that are not sent whole are in flight, until they are answered."""
    with ExitStack() as held:
        begun = [held.enter_context(connected(server.port)) for _ in range(5)]
        for number, connection in enumerate(begun):
            name = b"late-%d" % number
            connection.sendall(BEGUN % name + b"Content-Length: 9\r\n\r\n{")
        until(lambda: value(server, "mitame_requests_in_flight") >= 5, "five in flight")
        for connection in begun:
            connection.sendall(b'"dim":2}')
            assert one_answer(connection)[0] == 201
    until(lambda: value(server, "mitame_requests_in_flight") <= 1, "they are over")


def test_pictures_that_wait_for_the_embedder(server: Server, site: Site) -> None:
    """Three that are not yet fetched are counted, with the threads' calls, and none afterwards."""
    with ThreadPoolExecutor(3) as pool:
        body = {"image_url": site.url}
        asked = [pool.submit(server.ask, "POST", f"{PICTURES}/query", body) for _ in range(3)]
        until(lambda: value(server, "mitame_embedding_queue") == 3, "three wait")
        site.go.set()
        assert [each.result().status for each in asked] == [200] * 3
    until(lambda: value(server, "mitame_embedding_queue") == 0, "none waits")


def test_stages_of_a_picture_are_timed(server: Server) -> None:
    """Each picture is decoded once and embedded once; one that is none is not embedded."""
    before = stages(server)
    for number in range(3):
        answer = server.ask("POST", EMBED, picture(number), {"Content-Type": "image/png"})
        assert answer.status == 200, answer.body
    assert stages(server) == {name: count + 3 for name, count in before.items()}
    assert server.ask("POST", EMBED, b"none", {"Content-Type": "image/png"}).status == 422
    assert stages(server)["embed"] == before["embed"] + 3


def stages(server: Server) -> dict[str, float]:
    """How often a picture was decoded, and embedded."""
    name = "mitame_stage_duration_seconds_count"
    return {stage: value(server, name, stage=stage) for stage in ("decode", "embed")}


def test_a_running_job_tells_how_far_it_is(server: Server, site: Site) -> None:
    """While half of the pictures don't come: a share, and at that speed how long the rest takes."""
    label = {"kind": "index", "collection": "pictures"}
    paths = [f"/a.png?{number}" for number in range(4 * BATCH)]
    name = indexing(server, site, paths)
    until(lambda: value(server, "mitame_jobs", kind="index", state="running") == 1, "it runs")
    assert found(server, "mitame_job_progress_ratio", **label) == []
    assert job(server, name)["eta_seconds"] is None, "nothing is known yet"
    site.let_go.update(paths[: 2 * BATCH])
    until(lambda: job(server, name)["progress"] is not None, "a share is done")
    told = job(server, name)
    assert 0 < told["done"] < told["total"] == len(paths)
    assert told["progress"] == told["done"] / told["total"]
    speed = told["done"] / (told["updated"] - told["started"])
    assert told["eta_seconds"] == pytest.approx((told["total"] - told["done"]) / speed)
    (share,) = found(server, "mitame_job_progress_ratio", **label)
    assert told["progress"] <= share.value < 1
    site.go.set()
    until(lambda: job(server, name)["state"] == "done", "its end")
    assert (job(server, name)["progress"], job(server, name)["eta_seconds"]) == (1, None)
    assert found(server, "mitame_job_progress_ratio", **label) == []
    assert value(server, "mitame_jobs", kind="index", state="running") == 0
    assert value(server, "mitame_jobs", kind="index", state="done") == 1


def indexing(server: Server, site: Site, paths: list[str]) -> str:
    """The job that indexes these pictures of the site."""
    base = site.url.removesuffix("/a.png")
    addresses = server.data / "addresses.txt"
    addresses.write_text("".join(f"{base}{path}\n" for path in paths))
    begun = server.ask("POST", f"{PICTURES}/index", {"targets": [str(addresses)]})
    assert begun.status == 202, begun.body
    return str(begun.json()["job"])


def job(server: Server, name: str) -> Any:
    """What is told of it."""
    return server.ask("GET", f"/v1/jobs/{name}").json()
