"""Under load: what changes without a failed request, and what a kill -9 costs."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.serving.processes import Load, children, told, until
from tests.serving.running_server import SECONDS, Server

OWN = "/v1/collections/own"
SIMILAR = f"{OWN}/items/i1/similar?limit=3"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers, and a collection with a few vectors."""
    data = tmp_path_factory.mktemp("data")
    with Server(data, "--workers", "2", "--access-log", "") as running:
        assert running.ask("PUT", OWN, {"dim": 4}).status == 201
        for number in range(20):
            assert put(running, f"i{number}", number) == 200
        until(lambda: len(children(running)) == 2, "two workers")
        yield running


def put(server: Server, name: str, number: int) -> int:
    """The status of the answer to a PUT of one vector."""
    body = {"vector": [1.0, number, number % 7, 1.0]}
    return server.ask("PUT", f"{OWN}/items/{name}", body).status


def test_a_rolling_restart_fails_no_request(server: Server) -> None:
    """All workers are replaced while clients ask all the time: every answer is a 200.

    So are those to a load balancer, which asks whether it is ready.
    """
    before = set(children(server))
    with Load(server, SIMILAR) as load, Load(server, "/readyz", 1) as asked:
        load.more(20)
        server.process.send_signal(signal.SIGHUP)
        told(server, "all workers are new: 2")
        until(lambda: not before & set(children(server)), "the former ones have gone")
        load.more(20)
    assert load.failures == asked.failures == []
    assert asked.count
    assert len(children(server)) == 2


def test_a_merge_and_its_switch_fail_no_request(server: Server) -> None:
    """A new generation is made and served while clients ask all the time."""
    before = server.ask("GET", OWN).json()["generation"]
    with Load(server, SIMILAR) as load:
        asked = server.ask("POST", f"{OWN}/merge")
        assert asked.status == 202, asked.body
        until(lambda: server.ask("GET", OWN).json()["generation"] != before, "a switch")
        load.more(50)
    assert load.failures == []


def test_a_killed_worker_costs_what_it_was_answering(server: Server) -> None:
    """kill -9 under load: each client loses at most its one request, and the next is answered."""
    victim = children(server)[0]
    clients = 4
    with Load(server, SIMILAR, clients) as load:
        load.more(50)
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(children(server)) == 2 and victim not in children(server), "a new one")
        load.more(50)
    assert len(load.failures) <= clients, load.failures
    assert not any(text.startswith("5") for text in load.failures), load.failures


def test_nothing_acknowledged_is_lost_when_workers_are_killed(server: Server) -> None:
    """Three times all workers are killed while items are PUT: what got a 200 is there."""
    writers = [Writer(server, f"w{number}-") for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        for times in range(1, 4):
            wanted = 5 * times
            for writer in writers:
                writer.reach(wanted)
            for pid in children(server):
                os.kill(pid, signal.SIGKILL)
    finally:
        for writer in writers:
            writer.stop()
    until(lambda: len(children(server)) == 2, "two workers again")
    answer = server.ask("POST", f"{OWN}/items:scroll", {"limit": 10_000})
    found = {item["id"] for item in answer.json()["items"]}
    for writer in writers:
        assert len(writer.acknowledged) >= 15
        assert not set(writer.acknowledged) - found


class Writer(threading.Thread):
    """Puts items, one after the other, and keeps those that were acknowledged."""

    def __init__(self, server: Server, prefix: str) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self._server, self._prefix = server, prefix
        self._ends = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._ends.is_set():
            name = f"{self._prefix}{number}"
            number += 1
            try:
                status = put(self._server, name, number)
            except (OSError, http.client.HTTPException):
                continue  # its worker was killed
            if status == 200:
                self.acknowledged.append(name)

    def reach(self, count: int) -> None:
        """Wait for so many acknowledged items."""
        until(lambda: len(self.acknowledged) >= count, f"{count} items of {self._prefix}")

    def stop(self) -> None:
        self._ends.set()
        self.join(SECONDS)
