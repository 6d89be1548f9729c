"""``mitame top``: the arithmetic by hand, the command against a real server and a real terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

import mitame
from mitame.cli.overview import Reading, Times, overview
from mitame.serving.seeing.exposition import SECONDS, parsed, series, text
from tests.serving.running_server import Server

COMMAND = [sys.executable, "-m", "mitame", "top"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    mitame.open(data, "shop", lenses={"vectors": "vectors:8"}).close()
    with Server(data) as running:
        yield running


def top(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def page(answered: int, slow: int) -> str:
    """Metrics after so many answers in half a millisecond, and so many in two seconds."""
    numbers = [0.0] * (len(SECONDS) + 2)
    numbers[SECONDS.index(0.0005)] = answered
    numbers[SECONDS.index(2.5)] = slow
    numbers[-1] = answered * 0.0004 + slow * 2.0
    return text(
        {
            series("mitame_request_duration_seconds", route="/x"): numbers,
            series("mitame_requests_total", route="/x", method="GET", status="200"): [answered],
            series("mitame_requests_total", route="/x", method="GET", status="503"): [slow],
            series("mitame_items", collection="shop"): [7],
            series("mitame_delta_items", collection="shop"): [3],
            series("mitame_generation", collection="shop"): [2],
            series("mitame_index_recall_ratio", collection="shop", lens="look"): [0.97],
            series("mitame_job_progress_ratio", kind="merge", collection="shop"): [0.43],
            "mitame_workers": [2],
        }
    )


def test_rates_and_times_are_those_between_the_readings() -> None:
    """What was before the first reading counts for nothing; times are interpolated."""
    before = Reading(parsed(page(1_000, 500)), at=10)
    lines = "\n".join(overview(before, Reading(parsed(page(1_180, 520)), at=12)))
    assert "requests    100.0/s, of these refused 0.0/s, overloaded or failed 10.0/s" in lines
    assert "mean 200.36 ms" in lines, "180 of .4 ms and 20 of 2 s"
    assert "/x" in lines
    assert "7 items, 3 in the delta, generation 2, recall look 0.970" in lines
    assert "merge shop 43%" in lines
    assert "2 workers" in lines


def test_a_quiet_server_has_no_times() -> None:
    """Two equal readings: rates of nothing, no division by it."""
    reading = Reading(parsed(page(5, 5)), at=1)
    lines = "\n".join(overview(reading, reading))
    assert "requests    0.0/s" in lines
    assert "mean -" in lines
    assert "no route was busy" in lines


def test_quantiles() -> None:
    """Half way between a bucket's bounds, by count; beyond the last bound, that bound."""
    times = Times(4, 1, [(1.0, 0), (2.0, 4), (float("inf"), 4)])
    assert times.quantile(0.5) == 1.5
    assert times.quantile(1) == 2.0
    assert Times(2, 9, [(1.0, 0), (float("inf"), 2)]).quantile(0.5) == 1.0
    assert Times(0, 0, []).quantile(0.5) is None


def test_once(server: Server) -> None:
    """Two looks, one page, the end; no escapes where there is no terminal."""
    done = top("--url", server.url, "--once", "--every", "0.1")
    assert done.returncode == 0, done.stderr
    assert "workers" in done.stdout
    assert "requests" in done.stdout
    assert "\x1b" not in done.stdout


def test_nobody_answers(server: Server) -> None:
    """One line with what to do, whatever is wrong with the address."""
    for url in ("http://127.0.0.1:1", f"{server.url}/v1", "ftp://x", "http://[::1", ""):
        done = top("--url", url, "--once")
        assert done.returncode != 0, url
        assert "Traceback" not in done.stderr, url
        assert len(done.stderr.strip().splitlines()) <= 2, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_on_a_terminal(server: Server, key: bytes) -> None:
    """It draws page after page, ends with a key, and leaves the terminal as it was."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = [*COMMAND, "--url", server.url, "--every", "0.2"]
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_controlling,  # noqa: PLW1509 - between fork and exec there is one thread
    )
    try:
        seen = b""
        while seen.count(b"\x1b[2J") < 2:
            seen += os.read(ours, 4_096)
        os.write(ours, key)
        assert process.wait(30) in (0, 130)
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait(30)
        os.close(ours)
        os.close(theirs)
    assert b"workers" in seen


def _controlling() -> None:
    """Make the child's standard input the terminal that its Ctrl-C comes from."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background
