"""What is seen of a running server: metrics, access log, request ids."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.serving.seeing.access_log import AccessLog, Line
from mitame.serving.seeing.exposition import FAMILIES, Sample, parsed
from mitame.serving.seeing.figures import FILE, Figures, write_figures
from tests.serving.running_runner import RunnerProcess, until
from tests.serving.running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(1)
    with mitame.open(data, "secret-shop", lenses={"vectors": "vectors:8"}) as items:
        for number in range(20):
            items.add(f"secret-{number}", vector=random.normal(size=8).astype(np.float32))
        items.store.merge()
        items.add("secret-new", vector=random.normal(size=8).astype(np.float32))
    with Server(data) as running:
        yield running


def samples(server: Server) -> list[Sample]:
    answer = server.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return parsed(answer.body.decode())


def value(server: Server, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    found = [s for s in samples(server) if s.name == name]
    return sum(s.value for s in found if labels.items() <= s.labels.items())


def test_requests_are_counted_by_route_method_and_status(server: Server) -> None:
    """By the route's path, never by what stands in it."""
    route = "/v1/collections/{collection}"
    before = value(server, "mitame_requests_total", route=route)
    for name in ("none-1", "none-2"):
        assert server.ask("GET", f"/v1/collections/{name}").status == 404
    assert value(server, "mitame_requests_total", route=route) == before + 2
    assert value(server, "mitame_requests_total", route=route, method="GET", status="404") >= 2
    server.ask("PROPFIND", "/pot")
    assert value(server, "mitame_requests_total", route="none", method="other") == 1
    seconds = "mitame_request_duration_seconds"
    assert value(server, f"{seconds}_count", route=route) == before + 2
    assert value(server, f"{seconds}_bucket", route=route, le="+Inf") == before + 2
    assert value(server, "mitame_response_bytes_total", route=route) > 0


def test_no_id_is_in_any_label(server: Server) -> None:
    """Not even where it was asked for; nor a query string or a key."""
    where = "/v1/collections/secret-shop/items/secret-1"
    server.ask("GET", f"{where}/similar?category=secret-category")
    server.ask("GET", where, None, {"api-key": "secret-key"})
    page = server.ask("GET", "/metrics").body.decode()
    for word in ("secret-1", "secret-category", "secret-key"):
        assert word not in page


def test_stages_of_a_query_are_timed(server: Server) -> None:
    """A search touches the engine, the delta and the items' records; a list the table."""
    query = {"vector": [1.0] * 8, "limit": 3}
    assert server.ask("POST", "/v1/collections/secret-shop/query", query).status == 200
    similar = "/v1/collections/secret-shop/items/secret-1/similar?limit=3"
    assert server.ask("GET", similar).status == 200
    for stage in ("engine", "delta", "hydrate", "table"):
        assert value(server, "mitame_stage_duration_seconds_count", stage=stage) > 0, stage


def test_bad_pictures_are_counted_by_code(server: Server) -> None:
    """A body that is no picture counts once, under its error's code."""
    answer = server.ask(
        "POST", "/v1/embed?embedder=color", b"not a picture", {"Content-Type": "image/jpeg"}
    )
    assert answer.status == 422, answer.body
    assert value(server, "mitame_bad_images_total", code=answer.json()["code"]) == 1


def test_every_metric_is_declared(server: Server) -> None:
    """Each sample belongs to a family that has a type and a help line, and is of this process."""
    page = server.ask("GET", "/metrics").body.decode()
    for sample in parsed(page):
        name = re.sub(r"_(bucket|sum|count)$", "", sample.name)
        family = FAMILIES.get(sample.name) or FAMILIES[name]
        assert f"# TYPE {family.name} {family.kind}" in page
        assert set(sample.labels) - {"le"} == set(family.labels)
    assert value(server, "mitame_workers") == 1
    until(lambda: value(server, "mitame_collections") == 1, "the runner's figures")
    assert value(server, "mitame_items", collection="secret-shop") == 21
    if Path("/proc/self/fd").is_dir():
        assert value(server, "mitame_open_files") > 3
        assert value(server, "mitame_resident_memory_bytes") > 1e7


def test_request_ids(server: Server) -> None:
    """Each its own; a proxy's is taken over where it is plain, and nothing else is."""
    one, two = (server.ask("GET", "/healthz").headers["x-request-id"] for _ in range(2))
    assert one != two
    sent = "proxy-0123.ABC_def"
    for name in ("X-Request-Id", "x-request-id"):
        assert server.ask("GET", "/healthz", None, {name: sent}).headers["x-request-id"] == sent
    for odd in ("short", "a" * 65, 'quo"te-0123', "blank 0123", "<script>0123"):
        found = server.ask("GET", "/healthz", None, {"X-Request-Id": odd}).headers
        assert found["x-request-id"] != odd


def test_collections_are_named_on_loopback_only(tmp_path: Path) -> None:
    """Beyond loopback, /metrics needs no key, so it adds up and names none."""
    state = tmp_path / ".serving"
    state.mkdir()
    figures = Figures(20, 21, 1, 1, 32, {"vectors": 0.5})
    mitame.open(tmp_path, "secret-shop", lenses={"vectors": "vectors:8"}).close()
    key = {"MITAME_KEY": "k" * 43}
    for host, named in (("127.0.0.1", True), ("0.0.0.0", False)):
        with Server(tmp_path, "--host", host, env=key) as server:
            write_figures(state, {"secret-shop": figures, "other": figures})
            found = samples(server)
        labels = {s.labels.get("collection") for s in found if s.name == "mitame_delta_items"}
        assert labels == ({"secret-shop", "other"} if named else {None})
        total = sum(s.value for s in found if s.name == "mitame_items")
        recalls = {s.value for s in found if s.name == "mitame_index_recall_ratio"}
        assert (total, recalls) == (40, {0.5})


def test_the_runner_tells_figures(tmp_path: Path) -> None:
    """Items, delta, generation and progress of long work come from the runner."""
    random = np.random.default_rng(1)
    with mitame.open(tmp_path, "shop", lenses={"vectors": "vectors:8"}) as items:
        items.add("a", vector=random.normal(size=8).astype(np.float32))
        items.store.merge()
        items.add("b", vector=random.normal(size=8).astype(np.float32))
    with Server(tmp_path) as server, RunnerProcess(tmp_path):
        until((tmp_path / ".serving" / FILE).exists, "the runner's figures")
        until(lambda: value(server, "mitame_items") == 2, "figures are told")
        assert value(server, "mitame_delta_items", collection="shop") == 1
        assert value(server, "mitame_generation", collection="shop") == 1
        assert value(server, "mitame_collections") == 1
        assert server.ask("PUT", "/v1/collections/another", {"dim": 4}).status == 201
        until(lambda: value(server, "mitame_collections") == 2, "another collection is counted")
        assert server.ask("DELETE", "/v1/collections/another").status == 204
        until(lambda: value(server, "mitame_collections") == 1, "a dropped one is not")


@pytest.mark.parametrize("is_file", [True, False], ids=["file", "standard output"])
def test_access_log(tmp_path: Path, is_file: bool) -> None:
    """A line of JSON per request, whole when the server has stopped; no path, id or key."""
    log = tmp_path / "access.log"
    env = {"MITAME_SERVE_ACCESS_LOG": str(log) if is_file else "-", "MITAME_KEY": "k" * 43}
    mitame.open(tmp_path / "data", "shop", lenses={"vectors": "vectors:8"}).close()
    with Server(tmp_path / "data", env=env) as server:
        key = {"api-key": "k" * 43, "X-Request-Id": "from-the-proxy-1"}
        server.ask("GET", "/v1/collections/shop/items/secret-id", None, key)
        server.ask("GET", "/v1/collections", None, {"api-key": "wrong-secret"})
        server.stop()
        told = "".join(server.lines)
    text = log.read_text() if is_file else told
    assert log.exists() == is_file
    assert ("{" in told) != is_file, "a line is in one place only"
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    item, wrong = lines
    assert set(item) == set(Line.__struct_fields__)
    assert (item["status"], item["method"], item["request_id"]) == (404, "GET", "from-the-proxy-1")
    assert item["route"] == "/v1/collections/{collection}/items/{id}"
    assert item["address"] == "127.0.0.1"
    assert item["caller"] not in ("", "nobody")
    assert item["bytes"] > 0
    assert wrong["status"] == 401
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["time"])
    for word in ("secret", "k" * 43):
        assert word not in text


def line(number: int) -> Line:
    return Line("t", f"id-{number}", "GET", "/x", 200, 1.0, 2, "shop", "::1")


def test_log_is_rotated(tmp_path: Path) -> None:
    """After a rename and a reopening, later lines are in a new file; none is lost."""
    path, old = tmp_path / "log", tmp_path / "log.1"
    log = AccessLog(str(path))
    log.add(line(1))
    path.rename(old)
    log.reopen()
    until(path.exists, "the new file")
    log.add(line(2))
    log.close()
    ids = [
        json.loads(each)["request_id"] for p in (old, path) for each in p.read_text().splitlines()
    ]
    assert ids == ["id-1", "id-2"]
    assert log.dropped == 0


def test_log_that_can_not_be_written(tmp_path: Path, capfd: Any) -> None:
    """It is said once, lines are counted as lost, and nothing else happens."""
    log = AccessLog(str(tmp_path / "nothing" / "log"))
    log.add(line(1))
    log.close()
    assert log.dropped == 1
    assert "can't be written" in capfd.readouterr().err


def test_log_of_a_pipe_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines beyond what may wait are dropped and counted; adding never blocks."""
    monkeypatch.setattr("mitame.serving.seeing.access_log._MOST", 100)
    read, write = os.pipe()
    log = AccessLog("")
    log._target, log._file = "pipe", write
    for number in range(5_000):
        log.add(line(number))
    assert log.dropped > 0
    os.close(read)
    log.close()
