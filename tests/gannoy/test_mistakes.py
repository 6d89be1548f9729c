"""What went wrong in gannoy, each as it happened there."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from tests.gannoy.client import Client, create, is_nothing
from tests.serving.running_server import SECONDS, Server

_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("mistakes"), "--gannoy") as running:
        yield running


@pytest.fixture
def database(server: Server) -> Client:
    return create(server, f"db{next(_numbers)}")


def apply(database: Client, keys: range = range(0)) -> None:
    """A savepoint, until it is served; these keys are put before it.

    Where an earlier savepoint may still be under way, put one: with nothing to apply there is no
    new generation to wait for.
    """
    before = database.generation()
    fill(database, keys)
    assert database.save().status == 202
    end = time.monotonic() + SECONDS
    while database.generation() == before:
        assert time.monotonic() < end, "the savepoint never came"
        time.sleep(0.02)


def fill(database: Client, keys: range) -> None:
    for key in keys:
        assert is_nothing(database.put(key, [100, key]), 200)


@pytest.mark.parametrize("merged", [False, True])
def test_a_wrong_dimension_deletes_nothing(database: Client, merged: bool) -> None:
    """The old item answers as before, also after the next savepoint."""
    fill(database, range(4))
    if merged:
        apply(database)
    assert is_nothing(database.put(1, [1, 2, 3]), 422)
    assert is_nothing(database.put(1, []), 422)
    assert database.keys(1, 1) == [1]
    assert database.keys(0) == [0, 1, 2, 3]
    database.put(4, [100, 4])
    apply(database)
    assert database.keys(0) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("merged", [False, True])
def test_deleting_half_corrupts_nothing(database: Client, merged: bool) -> None:
    """Each that is left still finds all that are left, by distance."""
    fill(database, range(30))
    if merged:
        apply(database)
    for key in range(0, 30, 2):
        assert is_nothing(database.delete(key), 200)
    left = list(range(1, 30, 2))
    assert database.keys(1) == left
    apply(database)
    for key in left:
        assert sorted(database.keys(key)) == left
    assert database.keys(1) == left
    fill(database, range(0, 30, 2))
    assert database.keys(0) == list(range(30))


@pytest.mark.parametrize("merged", [False, True])
def test_an_update_leaves_no_old_vector(database: Client, merged: bool) -> None:
    """No phantom key 0, and no key twice, however often one is put again."""
    fill(database, range(1, 6))
    if merged:
        apply(database)
    for step in range(5):
        assert is_nothing(database.put(3, [-100, step]), 200)
        assert database.keys(1) == [1, 2, 4, 5, 3]
    apply(database)
    assert database.keys(1) == [1, 2, 4, 5, 3]


def test_a_bad_row_blocks_no_savepoint(database: Client) -> None:
    """What is refused is in no log, so that all later ones are applied."""
    fill(database, range(3))
    for body in ('{"features":["x"]}', '{"features":[1]}', "{b", '{"features":[1e999,1]}'):
        assert database.raw("PUT", "/features/9", body).status in (400, 422)
        assert database.raw("POST", "/features", body).status in (400, 422)
    apply(database)
    fill(database, range(3, 6))
    apply(database)
    assert database.keys(0) == list(range(6))


def test_deleting_everything_leaves_a_database(tmp_path: Path) -> None:
    """It is merged, opened by a new process, and filled again."""
    with Server(tmp_path, "--gannoy") as server:
        database = create(server, "d")
        fill(database, range(5))
        apply(database)
        for key in range(5):
            assert is_nothing(database.delete(key), 200)
        assert is_nothing(database.search("key=1"), 404)
        apply(database)
    with Server(tmp_path, "--gannoy") as server:
        database = Client(server, "d")
        assert server.ask("GET", "/databases").json() == ["d"]
        assert is_nothing(database.search("key=1"), 404)
        fill(database, range(5))
        assert database.keys(0) == list(range(5))


def test_a_crash_while_switching_mixes_nothing(tmp_path: Path) -> None:
    """Killed again and again while savepoints are under way, it answers what was put."""
    last = -1
    for seconds in (0, 0.05, 0.2):  # before the merge begins, in it, or after it: whichever
        with Server(tmp_path, "--gannoy") as server:
            database = create(server, "d") if last < 0 else Client(server, "d")
            fill(database, range(last + 1, last + 21))
            last += 20
            assert database.save().status == 202
            time.sleep(seconds)
            server.stop(signal.SIGKILL)
    with Server(tmp_path, "--gannoy") as server:
        assert Client(server, "d").keys(0) == list(range(last + 1))
        apply(Client(server, "d"), range(last + 1, last + 2))
        assert Client(server, "d").keys(0) == list(range(last + 2))


def test_a_crash_loses_no_write(tmp_path: Path) -> None:
    """Whatever was answered with 200 before kill -9 is there afterwards, whole."""
    acknowledged: list[int] = []

    def write(database: Client) -> None:
        try:
            for key in range(10_000):
                if database.put(key, [100, key]).status == 200:
                    acknowledged.append(key)
        except OSError:  # killed
            return

    with Server(tmp_path, "--gannoy") as server:
        writer = threading.Thread(target=write, args=(create(server, "d"),))
        writer.start()
        while len(acknowledged) < 50:
            assert writer.is_alive()
            time.sleep(0.01)
        server.stop(signal.SIGKILL)
        writer.join(SECONDS)
    with Server(tmp_path, "--gannoy") as server:
        keys = Client(server, "d").keys(0)
        assert set(acknowledged) <= set(keys) <= {*acknowledged, acknowledged[-1] + 1}
        assert keys == sorted(keys)


def test_limit_below_zero_ends_no_process(database: Client) -> None:
    """It answers all, and the connection to the process that did lives on."""
    fill(database, range(15))
    connection = http.client.HTTPConnection("127.0.0.1", database.server.port, timeout=SECONDS)
    with closing(connection):
        connection.connect()
        socket = connection.sock
        for _ in range(2):
            connection.request("GET", f"/search?database={database.database}&key=0&limit=-1")
            assert json.loads(connection.getresponse().read()) == list(range(15))
            assert connection.sock is socket


@pytest.mark.parametrize("merged", [False, True])
def test_a_zero_vector_is_far_from_everything(database: Client, merged: bool) -> None:
    """It can be stored, is last in every answer, and can be asked about."""
    database.put(0, [0, 0])
    database.put(1, [1, 0])
    database.put(2, [1, 1])
    database.put(3, [-1, 0.5])
    if merged:
        apply(database)
    assert database.keys(1) == [1, 2, 3, 0]
    assert database.keys(1, 3) == [1, 2, 3]
    assert database.keys(0)[0] == 0
    assert sorted(database.keys(0)) == [0, 1, 2, 3]


def test_many_at_once(database: Client) -> None:
    """Eight clients that put, replace and delete the same keys: no error, no key twice."""
    failed: list[object] = []

    def work(seed: int) -> None:
        for step in range(12):
            key = (seed + step) % 4
            for answer in (
                database.put(key, [step + 1, seed]),
                database.search("key=-5&limit=-1"),
                database.delete((key + 1) % 4),
            ):
                if answer.status not in (200, 404, 422):
                    failed.append(answer)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    database.put(-5, [1, 1])
    keys = database.keys(-5)
    assert len(keys) == len(set(keys))
    assert set(keys) <= {-5, 0, 1, 2, 3}
