"""What the system and the operator tell a running server: sockets, signals, a new configuration."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.processes import children, processes, told, until
from tests.serving.running_server import SECONDS, Server

# As systemd does it: the first descriptor is 3, and the number of the process is told.
ACTIVATED = """
import os, socket, sys
made = socket.create_server(("127.0.0.1", 0))
os.dup2(made.fileno(), 3)
os.set_inheritable(3, True)
if sys.argv[1] == "systemd":
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
else:
    os.environ.update(SERVER_STARTER_PORT=f"127.0.0.1:{made.getsockname()[1]}=3")
os.execv(sys.executable, [sys.executable, "-m", "mitame", "serve", *sys.argv[2:]])
"""

# In one process, as where processes can't share a socket.
ALONE = """
import sys
from pathlib import Path
from mitame.config import ServeConfig
from mitame.serving.processes.alone import serve_alone
from mitame.serving.processes.epochs import epoch_of
config = ServeConfig(Path(sys.argv[1]), port=0)
sys.exit(serve_alone(epoch_of(config), lambda text: print(text, flush=True)))
"""
# A terminal that is closed once the server answers.
TERMINAL = """
import os, pty, signal, sys
pid, terminal = pty.fork()
if not pid:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, where the tests run so, ignores it
    os.execv(sys.executable, [sys.executable, "-m", "mitame", "serve", *sys.argv[1:]])
shown = b""
while b"try: curl" not in shown:
    shown += os.read(terminal, 1000)
os.close(terminal)
print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


class Told:
    """A socket that hears what systemd would hear."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(SECONDS)

    def next(self) -> str:
        return self._socket.recv(1_000).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path, Told]]:
    """A server with a configuration file that changes, and a log, watched as by systemd."""
    folder = tmp_path_factory.mktemp("s")
    heard = Told(folder / "notify")
    config = folder / "mitame.toml"
    config.write_text(f'port = 0\nworkers = 2\naccess_log = "{folder}/access.log"\n')
    data = folder / "data"
    words = [sys.executable, "-m", "mitame", "serve", "--data", str(data), "--config", str(config)]
    env = {"NOTIFY_SOCKET": str(folder / "notify"), "PYTHONPATH": str(folder)}
    with Server(data, command=words, env=env) as running:
        assert heard.next() == "READY=1"
        yield running, config, heard
    assert heard.next() == "STOPPING=1"
    heard.close()


def test_it_says_when_it_is_ready(server: tuple[Server, Path, Told]) -> None:
    """systemd hears of it, and a person reads where, what, who may ask and how to begin."""
    running, _, _ = server
    told(running, "try: curl http://127.0.0.1:")
    text = "".join(running.lines)
    assert f"serving no collection yet of {running.data}" in text
    assert "no key is needed: only this machine is answered" in text


def test_the_log_is_opened_anew(server: tuple[Server, Path, Told]) -> None:
    """After SIGUSR1 lines go into a new file under the old name, and the server is the same."""
    running, config, _ = server
    log = config.with_name("access.log")
    workers = children(running)
    running.ask("GET", "/v1/collections")
    until(lambda: "/v1/collections" in log.read_text(), "a line")
    log.rename(config.with_name("older.log"))
    running.process.send_signal(signal.SIGUSR1)
    until(log.exists, "a new file")
    running.ask("GET", "/v1/jobs")
    until(lambda: "/v1/jobs" in log.read_text(), "a line in the new one")
    assert children(running) == workers


@pytest.mark.parametrize("is_right", [True, False], ids=["new workers", "a wrong configuration"])
def test_the_log_is_opened_anew_with_the_configuration(
    server: tuple[Server, Path, Told], is_right: bool
) -> None:
    """After a rename and SIGHUP, too: lines go into a new file, by new workers or, where the
    configuration can't be read, by the former ones; none is lost, and none comes twice."""
    running, config, heard = server
    log, older = config.with_name("access.log"), config.with_name("older.log")
    before, text = children(running), config.read_text()
    running.ask("GET", "/v1/collections")
    until(lambda: lines_of(log, "/v1/collections") == 1, "a line")
    log.rename(older)
    config.write_text(text if is_right else "prot = 1")
    running.process.send_signal(signal.SIGHUP)
    assert heard.next().startswith("RELOADING=1")
    assert heard.next() == "READY=1"
    until(log.exists, "a new file")
    running.ask("GET", "/v1/jobs")
    until(lambda: lines_of(log, "/v1/jobs") + lines_of(older, "/v1/jobs") == 1, "a line")
    until(lambda: answered_into(running, log), "lines go into the new file")
    assert lines_of(older, "/v1/collections") == 1
    assert lines_of(log, "/v1/collections") == 0
    if is_right:  # the former ones may still be ending
        until(lambda: not set(before) & set(children(running)), "all are new")
    else:
        assert set(before) <= set(children(running))
    config.write_text(text)


def lines_of(log: Path, route: str) -> int:
    """Requests of a route in a log."""
    return log.read_text().count(f'"route":"{route}"')


def answered_into(server: Server, log: Path) -> bool:
    """Ask, and wait whether the line comes into this file."""
    server.ask("GET", "/version")
    return lines_of(log, "/version") > 0


def test_the_configuration_is_read_anew(server: tuple[Server, Path, Told]) -> None:
    """After SIGHUP all processes are new ones, as many as the file says then, and as it says."""
    running, config, heard = server
    before = {*children(running), *children(running, "runner")}
    text = config.read_text()
    config.write_text(text.replace("workers = 2", "workers = 3") + "gannoy = true\n")
    running.process.send_signal(signal.SIGHUP)
    assert heard.next().startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard.next() == "READY=1"
    until(lambda: len(children(running)) == 3, "three workers")
    until(lambda: not before & {*children(running), *children(running, "runner")}, "all new")
    assert running.ask("GET", "/databases").json() == []


def test_a_wrong_configuration_changes_nothing(server: tuple[Server, Path, Told]) -> None:
    """After SIGHUP with a wrong file the server says why, and goes on as it was."""
    running, config, heard = server
    before, text = children(running), config.read_text()
    for wrong, message in {
        "prot = 1": "unknown key 'prot'",
        text.replace("port = 0", "port = 0\nhost = '192.0.2.1'\nallow_open = true"): "no address",
        text.replace("port = 0", "port = 0\nhost = '0.0.0.0'"): "without a key everybody",
    }.items():
        config.write_text(wrong)
        running.process.send_signal(signal.SIGHUP)
        assert heard.next().startswith("RELOADING=1")
        assert heard.next() == "READY=1"
        told(running, "the configuration stays as it was")
        told(running, message)
    assert children(running) == before
    assert running.ask("GET", "/v1/collections").status == 200
    config.write_text(text)


def test_workers_that_can_not_start_leave_the_former_ones(
    server: tuple[Server, Path, Told],
) -> None:
    """After SIGHUP, where new workers die before they answer, the former ones go on."""
    running, config, heard = server
    before = children(running)
    broken = config.with_name("uvicorn.py")
    broken.write_text("raise ImportError('broken here')")
    running.process.send_signal(signal.SIGHUP)
    assert heard.next().startswith("RELOADING=1")
    assert heard.next() == "READY=1"
    broken.unlink()
    told(running, "the new configuration can't be started, so the former one stays")
    told(running, "broken here", 3)
    assert children(running) == before
    assert running.ask("GET", "/v1/collections").status == 200


@pytest.mark.parametrize("kind", ["systemd", "start_server"])
def test_a_socket_that_is_handed_over(tmp_path: Path, kind: str) -> None:
    """It answers on a socket that was opened for it, whatever its own port would be."""
    words = ["--data", str(tmp_path), "--port", "1"]
    with Server(tmp_path, command=[sys.executable, "-c", ACTIVATED, kind, *words]) as server:
        assert server.ask("GET", "/healthz").status == 200
        environment = Path(f"/proc/{children(server)[0]}/environ")
        if environment.exists():
            assert b"LISTEN_FDS" not in environment.read_bytes()
        assert server.stop() == 0
    assert os.environ.get("LISTEN_FDS") is None


def test_workers_multiply_on_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's small products need one; the runner's large ones may have all cores; whoever sets
    the variable has the last word."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    found = []
    for said in (None, "3"):
        if said is not None:
            monkeypatch.setenv("OPENBLAS_NUM_THREADS", said)
        with Server(tmp_path) as server:
            for kind in ("worker", "runner"):
                environment = Path(f"/proc/{children(server, kind)[0]}/environ")
                if not environment.exists():
                    pytest.skip("this system does not tell of a process's environment")
                words = environment.read_bytes().split(b"\0")
                found.append([each for each in words if each.startswith(b"OPENBLAS_NUM")])
    three = [b"OPENBLAS_NUM_THREADS=3"]
    assert found == [[b"OPENBLAS_NUM_THREADS=1"], [], three, three]


def test_one_process_where_a_socket_can_not_be_shared(tmp_path: Path) -> None:
    """It answers, has a runner, and ends with it."""
    with Server(tmp_path, command=[sys.executable, "-c", ALONE, str(tmp_path)]) as server:
        assert server.ask("GET", "/healthz").status == 200
        until(lambda: len(children(server, "runner")) == 1, "a runner")
        runner = children(server, "runner")[0]
        assert server.stop() == 0
        assert runner not in [pid for pid, _, _ in processes()]


def test_it_ends_with_its_terminal(tmp_path: Path) -> None:
    """A window that is closed leaves no server behind, although SIGHUP means to reload."""
    ended = subprocess.run(
        [sys.executable, "-c", TERMINAL, "--data", str(tmp_path), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        check=True,
    )
    assert ended.stdout == "ended 0\n", ended
