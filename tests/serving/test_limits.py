"""Limits over HTTP: each is refused early, says what the limit is, and holds up nobody else."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.limited_server import limited_server
from tests.serving.raw import (
    HEAD,
    connected,
    exchanged,
    one_answer,
    problem_of,
    statuses,
    until_closed,
)
from tests.serving.running_server import Server

LIMITS = {
    "body_mb": 0.2,
    "bodies_mb": 1,
    "header_kb": 8,
    "read_seconds": 0.6,
    "slowest_kb_per_second": 1_000,
    "keep_alive_seconds": 1,
    "connections": 40,
}
PUT = b"PUT /v1/collections/x HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD
GET = b"GET /healthz HTTP/1.1\r\n" + HEAD


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    for number in range(3_000):  # a long answer: names of collections that were never opened
        (data / f"{number:0100d}").mkdir()
        (data / f"{number:0100d}" / "collection.sqlite3").touch()
    with limited_server(data, limits=LIMITS) as running:
        yield running
        assert "Traceback" not in "".join(running.lines), "".join(running.lines)[-5_000:]


def healthy(server: Server) -> bool:
    return server.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (GET + b"Host: other\r\n\r\n", 400, "malformed_request"),
        (b"GET /healthz HTTP/2.0\r\n" + HEAD + b"\r\n", 400, "malformed_request"),
        (b"GET /healthz HTTP/3.7\r\n\r\n", 400, "malformed_request"),
        (b"GET /healthz\r\n\r\n", 400, "malformed_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed_request"),
        (PUT + b"Content-Length: x\r\n\r\n", 400, "malformed_request"),
        (PUT + b"Content-Length: -1\r\n\r\n", 400, "malformed_request"),
        (PUT + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}", 400, "malformed_request"),
        (
            PUT + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "malformed_request",
        ),
        (PUT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "malformed_request"),
        (PUT + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx", 400, "malformed_request"),
        (PUT + b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400, "malformed_request"),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 414, "path_too_long"),
        (b"GET /?" + b"a" * 5_000, 414, "path_too_long"),
        (GET + b"X: " + b"a" * 9_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (GET + b"A: b\r\n" * 101 + b"\r\n", 431, "headers_too_large"),
        (GET + b"X: " + b"a" * 400_000, 431, "headers_too_large"),
        (GET + b"a" * 400_000, 431, "headers_too_large"),
    ],
)
def test_what_can_not_be_read_is_a_problem(
    server: Server, sent: bytes, status: int, code: str
) -> None:
    """Wrong or ambiguous HTTP and too much of it: a problem+json, then the connection ends."""
    answer = exchanged(server.port, sent)
    assert statuses(answer) == [status], answer[:500]
    assert problem_of(answer)["code"] == code
    assert b"connection: close" in answer.lower()
    assert healthy(server)


@pytest.mark.parametrize("told", [True, False])
def test_a_body_over_the_limit(server: Server, told: bool) -> None:
    """413 before it is read where its size is told, and while it comes where it is not."""
    size = 250_000
    if told:
        sent = PUT + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % size
    else:
        chunks = b"1000\r\n" + b"x" * 4_096 + b"\r\n"
        sent = PUT + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks * 70
    answer = exchanged(server.port, sent)
    assert statuses(answer) == [413]
    assert "0.2 MB" in problem_of(answer)["detail"]


def test_a_refused_body_does_not_cost_the_connection(server: Server) -> None:
    """What comes of it is thrown away, and the next request is answered."""
    with connected(server.port) as connection:
        connection.sendall(PUT + b"Content-Length: 1000000\r\n\r\n")
        assert one_answer(connection)[0] == 413
        connection.sendall(b"x" * 1_000_000 + GET + b"\r\n")
        assert one_answer(connection)[0] == 200


def test_nobody_is_asked_for_a_body_that_is_refused(server: Server) -> None:
    """``Expect: 100-continue``: the refusal comes instead, and the connection ends."""
    sent = PUT + b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"
    answer = exchanged(server.port, sent)
    assert statuses(answer) == [413]


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n\r\n",
        b"G",
        GET,
        GET + b"X: y",
        PUT + b"Content-Length: 10\r\n\r\n",
        PUT + b"Content-Length: 10\r\n\r\n{",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
def test_who_stops_in_the_middle_is_cut_off(server: Server, start: bytes) -> None:
    """Nobody may hold a connection by not going on: 408 where a request had begun."""
    answer = exchanged(server.port, start)
    begun = bool(start.strip())
    assert statuses(answer) == ([408] if begun else statuses(answer))
    assert not begun or problem_of(answer)["code"] == "slow_request"


@pytest.mark.parametrize(
    ("start", "drop"), [(GET, b"X: y\r\n"), (PUT + b"Content-Length: 100000\r\n\r\n", b"x")]
)
def test_who_drips_is_cut_off(server: Server, start: bytes, drop: bytes) -> None:
    """A byte now and then does not make the time begin anew (slowloris)."""
    with connected(server.port) as connection:
        connection.sendall(start)
        connection.settimeout(0.05)
        answer = b""
        for _ in range(400):
            try:
                connection.sendall(drop)
                part = connection.recv(4_096)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not part:
                break
            answer += part
        else:
            pytest.fail("it was never cut off")
    assert statuses(answer) in ([408], [])


def test_an_idle_connection_ends(server: Server) -> None:
    """After an answer, once `keep_alive_seconds` are over; also after a body that was refused."""
    with connected(server.port) as connection:
        connection.sendall(GET + b"\r\n")
        assert one_answer(connection)[0] == 200
        assert until_closed(connection) == b""
    with connected(server.port) as connection:
        connection.sendall(PUT + b"Content-Length: 1000000\r\n\r\n")
        assert one_answer(connection)[0] == 413
        connection.sendall(b"x" * 1_000_000)
        assert until_closed(connection) == b""


def test_silent_connections_give_way(server: Server) -> None:
    """However many say nothing, who asks is answered."""
    silent = [connected(server.port) for _ in range(120)]
    try:
        for _ in range(5):
            assert healthy(server)
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the table of connections in /proc")
@pytest.mark.parametrize("requests", [1, 30])
def test_who_does_not_read_is_cut_off(server: Server, requests: int) -> None:
    """Answers that nobody reads are held for so long only: the server lets go of the connection."""
    with connected(server.port, receive_buffer=2_048) as connection:
        connection.sendall((b"GET /v1/collections HTTP/1.1\r\n" + HEAD + b"\r\n") * requests)
        connection.recv(1)
        assert held(server, connection)
        for _ in range(2_000):
            time.sleep(0.01)
            if not held(server, connection):
                break
        else:
            pytest.fail("it was never cut off")
    assert healthy(server)


def held(server: Server, connection: socket.socket) -> bool:
    """Whether a process has the other end of a connection open."""
    ends = [f":{port:04X}" for port in (server.port, connection.getsockname()[1])]
    for line in Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
            return fields[9] != "0"  # the inode; a socket that only the system still has is 0
    return False


def test_who_reads_in_bits_gets_all(server: Server) -> None:
    """A small buffer alone is no offence, as long as it goes on."""
    with connected(server.port, receive_buffer=2_048) as connection:
        connection.sendall(b"GET /v1/collections HTTP/1.1\r\n" + HEAD + b"\r\n")
        status, headers, body = one_answer(connection)
        assert (status, len(body)) == (200, int(headers["content-length"]))
        assert len(body) > 300_000


def test_requests_ahead_are_answered_in_order_and_bounded(server: Server) -> None:
    """Twenty at once get twenty answers; thousands get some, and then the connection ends."""
    with connected(server.port) as connection:
        connection.sendall((GET + b"\r\n") * 20)
        assert [one_answer(connection)[0] for _ in range(20)] == [200] * 20
    flood = exchanged(server.port, (GET + b"\r\n") * 5_000)
    assert set(statuses(flood)) == {200}
    assert len(statuses(flood)) < 5_000
    assert healthy(server)


def test_an_earlier_request_is_answered_before_garbage_ends_it(server: Server) -> None:
    """What was asked well is answered; then the connection ends without another answer mixed in."""
    answer = exchanged(server.port, GET + b"\r\n" + b"\x00garbage\r\n\r\n")
    assert statuses(answer) in ([200], [200, 400])


def test_bodies_of_all_requests_are_bounded(server: Server) -> None:
    """Many that are each below the limit: 503 for those beyond it, and later all is well."""
    held = [connected(server.port) for _ in range(8)]
    try:
        for connection in held:
            connection.sendall(PUT + b"Content-Length: 200000\r\n\r\n" + b"x" * 190_000)
        got = [statuses(until_closed(connection)) for connection in held]
    finally:
        for connection in held:
            connection.close()
    assert [503] in got
    assert set(map(tuple, got)) <= {(503,), (408,)}
    assert server.ask("GET", "/v1/collections").status == 200


def test_trailers_are_no_headers(server: Server) -> None:
    """A header after the body, which a proxy in front did not see, changes nothing."""
    sent = b"DELETE /v1/collections/none HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HEAD
    sent += b"Connection: close\r\n\r\n2\r\n{}\r\n0\r\n"
    plain = exchanged(server.port, sent + b"\r\n")
    trailed = exchanged(server.port, sent + b"Host: evil.example\r\nOrigin: http://evil\r\n\r\n")
    assert statuses(plain) == statuses(trailed) == [404]


def test_an_upgrade_is_passed_over(server: Server) -> None:
    """A client that would like HTTP/2 or a WebSocket is answered in HTTP/1.1."""
    for wish in (b"h2c", b"websocket"):
        sent = GET + b"Connection: Upgrade\r\nUpgrade: " + wish + b"\r\n\r\n"
        assert statuses(exchanged(server.port, sent)) == [200]


def test_half_an_answer_is_enough_for_some(server: Server) -> None:
    """Clients that go away in the middle leave nothing behind."""
    for _ in range(50):
        with connected(server.port) as connection:
            connection.sendall(GET + b"\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert healthy(server)
