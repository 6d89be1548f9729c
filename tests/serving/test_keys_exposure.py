"""Without a key: this machine only, and no stranger's page; and keys that come from outside."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mitame.cli.app import app
from mitame.config import ServeConfig
from mitame.errors import UsageError
from mitame.serving.callers.environment_key import environment_key
from mitame.serving.callers.exposure import check_exposure, is_loopback
from mitame.serving.callers.key_store import new_secret, opened
from mitame.serving.callers.keys import FRESH_SECONDS
from mitame.serving.callers.roles import Role
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

LIST = "/v1/collections"


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    with limited_server(data, limits={}, cors=["https://shop.example"]) as running:
        yield running


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost"]
)
def test_loopback(host: str) -> None:
    """Addresses and names that reach this machine only."""
    assert is_loopback(host)
    check_exposure(ServeConfig(Path(), host), has_keys=False)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "", "192.168.1.2", "localhost.example", "127.0.0.1.example", "0x7f.1"],
)
def test_beyond_loopback_a_key_is_needed(host: str) -> None:
    """Refused without; a key or ``--allow-open`` lets it start."""
    assert not is_loopback(host)
    with pytest.raises(UsageError, match="without a key") as caught:
        check_exposure(ServeConfig(Path(), host), has_keys=False)
    assert "mitame keys add" in caught.value.remedy
    check_exposure(ServeConfig(Path(), host), has_keys=True)
    check_exposure(ServeConfig(Path(), host, allow_open=True), has_keys=False)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:80", 403),
        ("localhost.evil.example", 403),
        ("192.168.1.2:8000", 403),
        ("127.0.0.1:8000@evil.example", 403),
        ("é", 403),
    ],
)
def test_only_names_of_this_machine_are_answered(keyless: Server, host: str, status: int) -> None:
    """A name that was made to lead to 127.0.0.1 (DNS rebinding) gets 403, for reading too."""
    assert keyless.ask("GET", LIST, headers={"Host": host}).status == status
    assert keyless.ask("GET", "/healthz", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 404),
        ("http://127.0.0.1:{port}", 404),
        ("https://shop.example", 404),
        ("http://127.0.0.1:1", 403),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_of_other_sites_cant_write(keyless: Server, origin: str | None, status: int) -> None:
    """Only the server's own pages, and those that CORS allows; 404 shows that it was let in."""
    headers = {} if origin is None else {"Origin": origin.format(port=keyless.port)}
    if headers:
        headers["Host"] = f"127.0.0.1:{keyless.port}"
    assert keyless.ask("DELETE", f"{LIST}/none", headers=headers).status == status


def test_preflights_name_no_other_site(keyless: Server) -> None:
    """A browser is told yes for the origins of the configuration only."""
    for origin, allowed in (("https://shop.example", True), ("https://evil.example", False)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        answer = keyless.ask("OPTIONS", LIST, headers=headers)
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


def test_the_last_key_taken_away_opens_nothing(tmp_path: Path) -> None:
    """A server on a network address asks for a key for as long as it runs."""
    with opened(tmp_path) as store:
        secret = store.add("one", Role.ADMIN)
        with limited_server(tmp_path, limits={}, host="0.0.0.0") as server:
            assert server.ask("GET", LIST, headers={"api-key": secret}).status == 200
            store.remove("one")
            time.sleep(2 * FRESH_SECONDS)
            assert server.ask("GET", LIST, headers={"api-key": secret}).status == 401
            assert server.ask("GET", LIST).status == 401
            assert server.ask("GET", "/healthz").status == 200


def test_a_key_from_a_file_follows_the_file(tmp_path: Path) -> None:
    """The file is replaced as containers do it; while it is away or bad, the older key stays."""
    path = tmp_path / "key"
    first, second = new_secret(), new_secret()
    path.write_text(first + "\n")
    with limited_server(tmp_path / "data", limits={}, env={"MITAME_KEY_FILE": str(path)}) as server:

        def status(key: str) -> int:
            time.sleep(2 * FRESH_SECONDS)
            return server.ask("GET", LIST, headers={"api-key": key}).status

        assert (status(first), status(second)) == (200, 401)
        path.write_text("short")
        assert status(first) == 200
        path.unlink()
        assert status(first) == 200
        other = tmp_path / "other"
        other.write_text(second)
        other.rename(path)
        assert (status(first), status(second)) == (401, 200)
        assert first not in "".join(server.lines)


def test_the_environment_key_is_an_admin(tmp_path: Path) -> None:
    """``MITAME_KEY``; it is in no command line, which every user of the machine can read."""
    secret = new_secret()
    with limited_server(tmp_path, limits={}, env={"MITAME_KEY": secret}) as server:
        made = server.ask("PUT", f"{LIST}/x", {"dim": 2}, {"api-key": secret})
        assert made.status == 201
        assert server.ask("GET", LIST).status == 401
        lines = subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout
        assert secret not in lines


@pytest.mark.parametrize(
    "bad", ["short", "with spaces in it, and long enough", "é" * 30, "x" * 5000]
)
def test_a_bad_environment_key_is_refused_and_not_shown(tmp_path: Path, bad: str) -> None:
    """At the start, with how to make a good one."""
    path = tmp_path / "key"
    path.write_text(bad)
    for variables in ({"MITAME_KEY": bad}, {"MITAME_KEY_FILE": str(path)}):
        with pytest.raises(UsageError) as caught:
            environment_key(variables)
        assert bad not in caught.value.line()
        assert "openssl" in caught.value.remedy


def test_two_environment_keys_or_no_file_are_refused(tmp_path: Path) -> None:
    """Which of the two is meant nobody knows; a file that isn't there is no key."""
    with pytest.raises(UsageError, match="both"):
        environment_key({"MITAME_KEY": new_secret(), "MITAME_KEY_FILE": "x"})
    with pytest.raises(UsageError, match="can't be read"):
        environment_key({"MITAME_KEY_FILE": str(tmp_path / "none")})
    assert environment_key({"MITAME_KEY": ""}) is None


def test_the_commands(tmp_path: Path) -> None:
    """Add prints the key alone on standard output; list shows none; mistakes change nothing."""

    def run(*words: str) -> Result:
        command = ["keys", *words, "--data", str(tmp_path)]
        return CliRunner().invoke(app, command)

    added = run("add", "shop", "--role", "write", "--collection", "a")
    assert added.exit_code == 0
    assert added.stdout.startswith("mitame_")
    assert len(added.stdout.split()) == 1
    listed = run("list").stdout
    assert listed.split()[:2] == ["shop", "write"]
    assert added.stdout.strip() not in listed
    assert run("rotate", "shop").stdout != added.stdout
    assert isinstance(run("add", "shop").exception, UsageError)
    assert run("list").stdout.split()[:2] == ["shop", "write"]
    removed = run("remove", "shop")
    assert (removed.exit_code, "last one" in removed.stderr) == (0, True)
    assert isinstance(run("remove", "shop").exception, UsageError)
