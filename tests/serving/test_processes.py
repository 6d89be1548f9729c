"""The processes of the service: how they start, stop and are replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.processes import children, connects, processes, until
from tests.serving.running_server import SECONDS, Server

BODY = b'{"dim": 4}'
HALF = (
    b"PUT /v1/collections/%s HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers."""
    with Server(tmp_path_factory.mktemp("data"), "--workers", "2") as server:
        until(lambda: len(children(server)) == 2, "two workers")
        yield server


def half_sent(server: Server, name: bytes) -> socket.socket:
    """A connection that has sent a part of its request, which a worker is reading."""
    made = socket.create_connection(("127.0.0.1", server.port), SECONDS)
    made.sendall(HALF % name + BODY[:4])
    server.ask("GET", "/healthz")
    return made


def serve(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A server that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "mitame", "serve", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=SECONDS,
        check=False,
    )


def test_workers_share_the_port(pair: Server) -> None:
    """While one worker stands still the other one answers, whichever it is."""
    answered = set()
    for pid in children(pair):
        until(lambda: pair.ask("GET", "/healthz").status == 200, "an answer")
        os.kill(pid, signal.SIGSTOP)
        try:
            # The first part of the id is the worker's.
            answered.add(pair.ask("GET", "/healthz").headers["x-request-id"][:8])
        finally:
            os.kill(pid, signal.SIGCONT)
    assert len(answered) == 2


def test_a_killed_worker_and_a_killed_runner_are_replaced(pair: Server) -> None:
    """After kill -9 there are as many as before, and they answer."""
    until(lambda: len(children(pair, "runner")) == 1, "a runner")
    before = {*children(pair), *children(pair, "runner")}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(children(pair)) == 2 and not before & set(children(pair)), "new workers")
    until(lambda: len(set(children(pair, "runner")) - before) == 1, "a new runner")
    assert pair.ask("GET", "/readyz").status == 200


def test_one_answer_is_not_lost_when_it_stops(tmp_path: Path) -> None:
    """SIGTERM takes no more connections, ends the request in flight, and exits with 0."""
    file = tmp_path / "pid"
    with Server(tmp_path / "data", "--pid-file", str(file)) as server:
        assert file.read_text() == f"{server.process.pid}\n"
        connection = half_sent(server, b"late")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not connects(server.port), "nobody listens")
        connection.sendall(BODY[4:])
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 201"), answer
        assert b"connection: close" in answer.lower()
        connection.close()
        assert server.stop() == 0
    assert not file.exists()
    assert "late" in [path.name for path in (tmp_path / "data").iterdir()]


def test_the_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    """Ctrl-C waits for a request in flight; once more, and it does not."""
    with Server(tmp_path) as server, half_sent(server, b"never"):
        server.process.send_signal(signal.SIGINT)
        until(lambda: not connects(server.port), "nobody listens")
        assert server.process.poll() is None
        assert server.stop(signal.SIGINT) == 130


def test_requests_get_their_seconds_and_no_more(tmp_path: Path) -> None:
    """A request that takes longer than the grace is cut off, and the server ends with 0."""
    with Server(tmp_path, "--grace-seconds", "0.3") as server, half_sent(server, b"x") as open_one:
        assert server.stop() == 0
        assert not received(open_one)
        assert any("1 requests are cut off" in line for line in server.lines), server.lines
        assert not any("Traceback" in line for line in server.lines), server.lines


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """kill -9 of the process that was started ends all of its children."""
    with Server(tmp_path, "--workers", "2") as server:
        until(lambda: len(children(server)) == 2, "two workers")
        until(lambda: len(children(server, "runner")) == 1, "a runner")
        own = {*children(server), *children(server, "runner")}
        server.process.kill()
        until(lambda: not own & {pid for pid, _, _ in processes()}, "all have gone")
        assert not connects(server.port)


def test_what_can_not_be_served_is_said_in_one_line(tmp_path: Path, pair: Server) -> None:
    """A port in use, another machine's address, no key, a wrong file, no data directory."""
    file = tmp_path / "file"
    file.write_text("prot = 1")
    data = ("--data", str(tmp_path / "data"), "--port", "0")
    wrong = {
        f"127.0.0.1:{pair.port} is in use": (*data, "--port", str(pair.port)),
        "192.0.2.1 is no address of this machine": (*data, "--host", "192.0.2.1", "--allow-open"),
        "without a key everybody who reaches 0.0.0.0": (*data, "--host", "0.0.0.0"),
        "unknown key 'prot': did you mean port?": (*data, "--config", str(file)),
        "no.such.host.invalid": (*data, "--host", "no.such.host.invalid", "--allow-open"),
        "file/.serving can't be made": ("--data", str(file), "--port", "0"),
        "the pid file": (*data, "--pid-file", str(tmp_path / "none" / "pid")),
    }
    for text, words in wrong.items():
        ended = serve(*words)
        assert ended.returncode in (1, 2), (words, ended)
        assert text in ended.stderr, ended.stderr
        assert ended.stderr.count("\n") == 1, ended.stderr


def test_it_gives_up_where_no_worker_can_start(tmp_path: Path) -> None:
    """After three tries it ends with a message, and never says that it listens."""
    (tmp_path / "uvicorn.py").write_text("raise ImportError('broken here')")
    ended = serve("--data", str(tmp_path / "data"), "--port", "0", PYTHONPATH=str(tmp_path))
    assert ended.returncode == 1, ended
    assert ended.stderr.count("before it answered") == 3
    assert "no worker can be started: why is said above" in ended.stderr
    assert "listening" not in ended.stdout


def received(connection: socket.socket) -> bytes:
    """What comes before its end, however it ends."""
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""
