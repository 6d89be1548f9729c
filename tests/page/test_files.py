"""The page's files as a real server answers them: caching, packing, policy, and what they are."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from mitame.serving.page.files import MEDIA, START, made, page, read
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

FOLDER = Path(mitame.__file__).parent / "page"
MOST_KB = 150
"""Of all scripts together, packed: what a reader on a phone pays once."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data"), env={"MITAME_KEY": "k" * 32}) as running:
        yield running


def address(name: str) -> str:
    return f"/page/{page().version}/{name}"


def test_the_page_needs_no_key_and_lets_nothing_else_in(server: Server) -> None:
    """Its policy allows no inline code, no other server and no frame; what it shows needs a key."""
    answer = server.ask("GET", "/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
        assert part in policy.split("; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    assert server.ask("GET", "/v1/collections").status == 401


def test_every_file_is_served_for_ever_under_its_version(server: Server) -> None:
    """With its type; another version's address is answered, but not kept."""
    for name in page().files:
        if name == START:
            assert server.ask("GET", address(name)).status == 404
            continue
        answer = server.ask("GET", address(name))
        assert answer.status == 200, name
        assert answer.body == (FOLDER / name).read_bytes()
        assert answer.headers["content-type"] == MEDIA[name.rpartition(".")[2]]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    other = server.ask("GET", "/page/0123456789abcdef/app.js")
    assert (other.status, other.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize(
    "name", ["nothing.js", "__init__.py", "..%2Fconfig.py", "%2e%2e/config.py", "views", "views/"]
)
def test_nothing_but_its_files_is_served(server: Server, name: str) -> None:
    """No other file of the package, by whatever name."""
    answer = server.ask("GET", address(name))
    assert (answer.status, answer.json()["code"]) == (404, "route_not_found")


def test_each_coding_has_a_strong_tag_of_its_own(server: Server) -> None:
    """The same bytes for the same tag, and none at all where the browser has them."""
    plain = server.ask("GET", address("app.js"))
    packed = server.ask("GET", address("app.js"), headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert not packed.headers["etag"].startswith("W/")
    for path, coding in (("/", "gzip"), ("/", "identity"), (address("app.js"), "gzip")):
        first = server.ask("GET", path, headers={"Accept-Encoding": coding})
        asked = {"Accept-Encoding": coding, "If-None-Match": first.headers["etag"]}
        again = server.ask("GET", path, headers=asked)
        assert (again.status, again.body) == (304, b"")


def test_the_version_changes_with_any_file() -> None:
    """With its bytes and with its name: a kept file is never one of another version."""
    files = {"index.html": b"<script src=page/VERSION/a.js>", "a.js": b"1", "b.css": b"2"}
    first = made(files)
    assert f"page/{first.version}/a.js".encode() in first.files[START].data
    assert made(dict(files)).version == first.version
    others = [files | {"a.js": b"2"}, files | {"c.js": b""}, {**files, "index.html": b""}]
    assert len({first.version, *(made(each).version for each in others)}) == 4


def test_its_scripts_are_small() -> None:
    """All of them together, packed by gzip one by one as they are sent."""
    scripts = [file.data for name, file in page().files.items() if name.endswith(".js")]
    size = sum(len(gzip.compress(data, 9)) for data in scripts)
    print(f"scripts: {size / 1000:.1f} kB packed, in {len(scripts)} files")
    assert size < MOST_KB * 1000


def test_every_module_is_asked_for_at_once() -> None:
    """What the page imports before it shows its first view is named in its head: no chain."""
    loaded, waiting = set[str](), ["app.js", "views/search.js"]
    while waiting:
        name = waiting.pop()
        loaded.add(name)
        folder = Path(name).parent
        found = re.findall(r"from '(\.[^']+)'", page().files[name].data.decode())
        names = [str((FOLDER / folder / each).resolve().relative_to(FOLDER)) for each in found]
        waiting += [each for each in names if each not in loaded]
    start = page().files[START].data.decode()
    named = set(
        re.findall(rf'(?:modulepreload" href|module" src)="page/{page().version}/(.+?)"', start)
    )
    assert named == loaded
    styles = set(re.findall(rf'stylesheet" href="page/{page().version}/(.+?)"', start))
    assert styles == {name for name in page().files if name.endswith(".css")}


def test_no_script_makes_elements_from_text() -> None:
    """Nothing that reads text as HTML or as code stands in any script, and no address elsewhere."""
    read_as_code = (
        r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    for name, file in page().files.items():
        text = file.data.decode()
        assert not re.search(read_as_code, text), name
        assert set(re.findall(r"https?://[a-z][^\s'\"`)]*", text)) <= {"http://www.w3.org/2000/svg"}


def test_its_files_take_no_share_of_what_a_caller_may_ask(tmp_path: Path) -> None:
    """Dozens of files load where two requests a second are allowed; questions are counted."""
    with limited_server(tmp_path, limits={"requests_per_second": 2}) as running:
        assert running.ask("GET", "/").status == 200
        names = [name for name in page().files if name != START]
        assert {running.ask("GET", address(name)).status for name in names} == {200}
        asked = [running.ask("GET", "/v1/collections").status for _ in range(20)]
        assert 429 in asked


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """Then nothing is served there, and the document does not speak of it."""
    with Server(tmp_path / "data", "--no-page") as running:
        assert running.ask("GET", "/").status == 404
        assert running.ask("GET", address("app.js")).status == 404
        assert "/page/{version}/{file}" not in running.ask("GET", "/openapi.json").json()["paths"]


def test_what_is_no_file_of_the_page_is_passed_over(tmp_path: Path) -> None:
    """Other files in its folder, such as an editor's, are not served."""
    (tmp_path / "in").mkdir()
    for name in ("a.js", "a.js.bak", "notes.txt", "in/b.css"):
        (tmp_path / name).write_text("x")
    assert set(read(tmp_path)) == {"a.js", "in/b.css"}
