"""Limits at other values than the usual ones, set in a server's configuration file.

Each is refused just beyond its value and let through at it: a setting that is read and then
forgotten makes these fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import mitame
from tests.serving.item_server import OWN, PICTURES, picture, text
from tests.serving.processes import until
from tests.serving.running_server import SECONDS, Answered, Server
from tests.serving.slow_site import Site, slow_site

PIXELS, ROWS, BATCH_MB = 600, 3, 0.02
FITS, TOO_LARGE = picture(1, size=(30, 20)), picture(1, size=(30, 21))
PNG = {"Content-Type": "image/png"}
LINES = {"Content-Type": "application/x-ndjson"}


@contextmanager
def configured(folder: Path, *, threads: int = 4, **limits: float) -> Iterator[Server]:
    """A server whose configuration file has these limits, with a collection of each kind."""
    data = folder / "data"
    mitame.open(data, "pictures", lenses={"color": "color"}).close()
    mitame.open(data, "own", lenses={"vectors": "vectors:4"}).close()
    file = folder / "mitame.toml"
    told = [f"threads = {threads}", "allow_private = true", "thumbnails = false", "[limits]"]
    file.write_text("\n".join([*told, *(f"{name} = {value}" for name, value in limits.items())]))
    with Server(data, "--config", str(file)) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for the limits that are about size."""
    folder = tmp_path_factory.mktemp("sizes")
    with configured(folder, pixels=PIXELS, batch_rows=ROWS, batch_body_mb=BATCH_MB) as running:
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    """Keeps whoever asks it for a picture waiting, until the test lets it go."""
    with slow_site() as running:
        yield running


def check_refused(answer: Answered, status: int, code: str, detail: str = "") -> None:
    assert (answer.status, answer.json()["code"]) == (status, code), answer.body
    assert detail in answer.json()["detail"]
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1
    else:
        assert "retry-after" not in answer.headers  # the same request fails again


@pytest.mark.parametrize("file", [FITS, TOO_LARGE], ids=["at", "over"])
def test_pixels(server: Server, file: bytes) -> None:
    """Of a picture, through each door: 413 with the number, before it is decoded."""
    answers = [
        server.ask("PUT", f"{PICTURES}/items/1", file, PNG),
        server.ask("PUT", f"{PICTURES}/items/1", {"image_base64": text(file)}),
        server.ask("POST", f"{PICTURES}/query", file, PNG),
        server.ask("POST", "/v1/embed?embedder=color", file, PNG),
    ]
    rows = [{"id": "1", "image_base64": text(file)}]
    row = server.ask("POST", f"{PICTURES}/items:batch", rows).json()["rows"][0]
    if file is FITS:
        assert [answer.status for answer in answers] == [200] * 4
        assert row["status"] == 200
        return
    for answer in answers:
        check_refused(answer, 413, "image_too_large", str(PIXELS))
    assert (row["status"], row["code"]) == (413, "image_too_large")


@pytest.mark.parametrize("more", [0, 1], ids=["at", "over"])
def test_batch_rows(server: Server, more: int) -> None:
    """Rows of a batch of items, as an array or lines, and questions of a batch of queries."""
    rows = [{"id": str(number), "vector": [1, 2, 3, 4]} for number in range(ROWS + more)]
    questions = [{"vector": [1, 2, 3, 4]}] * (ROWS + more)
    answers = [
        server.ask("POST", f"{OWN}/items:batch", rows),
        server.ask("POST", f"{OWN}/items:batch", "\n".join(map(json.dumps, rows)).encode(), LINES),
        server.ask("POST", f"{OWN}/query:batch", {"queries": questions}),
    ]
    for answer in answers:
        if more:
            check_refused(answer, 413, "body_too_large", f"more than {ROWS}")
        else:
            assert answer.status == 200


@pytest.mark.parametrize("more", [0, 1], ids=["at", "over"])
def test_batch_body_mb(server: Server, more: int) -> None:
    """A batch's body to the byte; what is no batch may be larger."""
    size = int(BATCH_MB * 1_000_000) + more
    row = b'[{"id": "1", "vector": [1, 2, 3, 4]}]'
    question = b'{"queries": [{"vector": [1, 2, 3, 4]}]}'
    for path, body in ((f"{OWN}/items:batch", row), (f"{OWN}/query:batch", question)):
        answer = server.ask("POST", path, body.ljust(size), {"Content-Type": "application/json"})
        if more:
            check_refused(answer, 413, "body_too_large", f"{BATCH_MB:g} MB")
        else:
            assert answer.status == 200
    alone = b'{"vector": [1, 2, 3, 4]}'.ljust(size)
    json_ = {"Content-Type": "application/json"}
    assert server.ask("PUT", f"{OWN}/items/1", alone, json_).status == 200


def told_and_kept(folder: Path, megabytes: float) -> tuple[int, list[str]]:
    """How many events a server was told, and which of them it has in the end."""
    folder.mkdir()
    told = 0
    with configured(folder, feedback_mb=megabytes) as server:
        for question in range(40):
            events = [
                {"type": "shown", "id": f"{question}-{number}", "event_id": "x" * 100 + str(number)}
                for number in range(50)
            ]
            body = {"query_id": f"q{question}", "events": events}
            answer = server.ask("POST", f"{OWN}/feedback", body)
            assert answer.status == 200, answer.body
            told += answer.json()["stored"]
        lines = server.ask("GET", f"{OWN}/feedback?limit=10000").body.splitlines()
    return told, [json.loads(line)["id"] for line in lines]


def test_feedback_mb(tmp_path: Path) -> None:
    """Nothing is refused: of what does not fit the oldest leaves, and the newest is there."""
    told, kept = told_and_kept(tmp_path / "small", 0.2)
    assert 0 < len(kept) < told
    assert kept[-1] == "39-49"
    assert "0-0" not in kept
    told, kept = told_and_kept(tmp_path / "large", 5)
    assert len(kept) == told


@pytest.mark.parametrize("waiting", [1, 3])
def test_waiting(tmp_path: Path, site: Site, waiting: int) -> None:
    """Pictures that are worked on, one a thread, and so many more; the next one is 503."""
    at_once = 1 + waiting
    with configured(tmp_path, threads=1, waiting=waiting) as server:

        def put(number: int) -> Answered:
            return server.ask("PUT", f"{PICTURES}/items/{number}", {"image_url": site.url})

        with ThreadPoolExecutor(at_once) as clients:
            held = [clients.submit(put, number) for number in range(at_once)]
            for _ in held:
                assert site.asked.acquire(timeout=SECONDS)
            refused = [
                put(at_once),
                server.ask("POST", f"{PICTURES}/query", picture(2), PNG),
                server.ask("POST", "/v1/embed?embedder=color", picture(2), PNG),
            ]
            site.go.set()
            assert [each.result().status for each in held] == [200] * at_once
        for answer in refused:
            check_refused(answer, 503, "overloaded", "too many pictures wait")
        assert put(at_once).status == 200


def test_answer_seconds(tmp_path: Path, site: Site) -> None:
    """An answer that takes longer is 503 in its stead; others are given, and so is a later one."""
    with configured(tmp_path, answer_seconds=1.5) as server:
        for method, path, body in (
            ("PUT", f"{PICTURES}/items/1", {"image_url": site.url}),
            ("POST", f"{PICTURES}/query", {"image_url": site.url}),
            ("POST", "/v1/embed", {"embedder": "color", "image_url": site.url}),
        ):
            check_refused(server.ask(method, path, body), 503, "overloaded", "1.5 seconds")
        assert server.ask("PUT", f"{OWN}/items/1", {"vector": [1, 2, 3, 4]}).status == 200
        site.go.set()

        def goes_through() -> bool:
            body = {"image_url": site.url}
            return server.ask("PUT", f"{PICTURES}/items/1", body).status == 200

        until(goes_through, "a picture that comes in time is put")
