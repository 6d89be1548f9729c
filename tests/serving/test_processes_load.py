"""Under load: what changes without a failed request, and what a kill -9 costs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.serving.item_server import OWN, PICTURES
from tests.serving.mixed_load import MixedLoad, filled
from tests.serving.processes import children, told, until
from tests.serving.running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers, a collection of thousands of vectors, and one of pictures.

    Nothing is merged but by a test, so that it knows when.
    """
    data = tmp_path_factory.mktemp("data")
    filled(data)
    words = ("--workers", "2", "--access-log", "", "--no-merge")
    with Server(data, *words) as running:
        assert running.ask("PUT", PICTURES, {"lenses": {"color": "color"}}).status == 201
        until(lambda: len(children(running)) == 2, "two workers")
        yield running


def found(server: Server, load: MixedLoad) -> None:
    """Of every item that was put, what was acknowledged is there, or what came after it."""
    written = load.written
    assert len(written) > 10
    for path, numbers in written.items():
        answer = server.ask("GET", path)
        number = answer.json()["attributes"]["number"] if answer.status == 200 else None
        assert number in numbers, (path, number, numbers)


def test_a_merge_and_its_switch_fail_no_request(server: Server) -> None:
    """A generation of thousands of rows is made and served while all kinds of requests go on."""
    first = server.ask("GET", OWN).json()
    with MixedLoad(server) as load:
        load.more(50)
        job = server.ask("POST", f"{OWN}/merge").json()["job"]
        until(lambda: state(server, job) == "running", "it begins")
        before = load.counts
        until(lambda: state(server, job) == "done", "a switch")
        meanwhile = load.counts - before
        load.more(100)
    assert load.failures == []
    assert meanwhile.total() > 100, "requests were answered while it was made"
    assert set(meanwhile) >= {"similar", "query", "put"}
    last = server.ask("GET", OWN).json()
    assert last["generation"] > first["generation"]
    assert last["items"] == first["items"] + len(load.written)
    found(server, load)


def state(server: Server, job: str) -> str:
    """Where a job is."""
    told = server.ask("GET", f"/v1/jobs/{job}").json()
    assert told["state"] != "failed", told
    return str(told["state"])


def test_a_rolling_restart_fails_no_request(server: Server) -> None:
    """All workers are replaced while clients ask without a pause: every answer is a 200.

    So are those to a load balancer, which asks whether it is ready.
    """
    before = set(children(server))
    with MixedLoad(server) as load:
        load.more(50)
        server.process.send_signal(signal.SIGHUP)
        told(server, "all workers are new: 2")
        until(lambda: not before & set(children(server)), "the former ones have gone")
        load.more(100)
    assert load.failures == []
    assert len(children(server)) == 2
    found(server, load)


def test_a_killed_worker_costs_what_it_was_answering(server: Server) -> None:
    """kill -9 under load: each client loses at most its one request, and the next is answered; and
    no PUT that was acknowledged is lost."""
    victim = children(server)[0]
    clients = 6
    with MixedLoad(server, clients) as load:
        load.more(100)
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(children(server)) == 2 and victim not in children(server), "a new one")
        load.more(100)
    assert len(load.failures) <= clients, load.failures
    assert all("no answer" in text for text in load.failures), load.failures
    found(server, load)


def test_nothing_acknowledged_is_lost_when_workers_are_killed(server: Server) -> None:
    """Three times all workers are killed under load: what got a 200 is there."""
    clients = 6
    with MixedLoad(server, clients) as load:
        for _ in range(3):
            load.more(100)
            for pid in children(server):
                os.kill(pid, signal.SIGKILL)
        load.more(100)
    assert all("no answer" in text for text in load.failures), load.failures
    assert len(load.failures) <= 3 * clients  # those that were under way at each kill
    until(lambda: len(children(server)) == 2, "two workers again")
    found(server, load)
