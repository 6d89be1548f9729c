"""ETags of items over HTTP, and changes that are made only on condition of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from mitame.errors import UsageError
from mitame.serving.pictures.preconditions import Conditions, conditions_of, is_current
from tests.serving.item_server import OWN, item_server, problem
from tests.serving.running_server import Answered, Server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conditions")


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    with item_server(data) as running:
        yield running


def put(server: Server, item_id: str, **headers: str) -> Answered:
    """Put an item on conditions."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("PUT", f"{OWN}/items/{item_id}", {"vector": [1, 2, 3, 4]}, sent)


def test_every_change_gives_another_tag(server: Server) -> None:
    """The answer to a change has the tag that a GET has then; it is strong, and new each time."""
    path, seen = f"{OWN}/items/tagged", set[str]()
    changes: list[tuple[str, Any]] = [
        ("PUT", {"vector": [1, 0, 0, 0]}),
        ("PUT", {"vector": [1, 0, 0, 0]}),
        ("PATCH", {"category": "mug"}),
        ("PATCH", {"attributes": {"price": 1}}),
        ("PUT", {"vector": [0, 1, 0, 0], "category": "mug", "attributes": {"price": 1}}),
    ]
    for method, body in changes:
        answer = server.ask(method, path, body)
        assert answer.status == 200, answer.body
        tag = answer.headers["etag"]
        assert tag[0] == tag[-1] == '"'
        assert tag not in seen
        assert server.ask("GET", path).headers["etag"] == tag
        seen.add(tag)


def test_what_is_known_is_not_sent_again(server: Server) -> None:
    """304 without a body for the current tag, in a list and weak, too; 200 once it is another."""
    path, tag = f"{OWN}/items/known", put(server, "known").headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = server.ask("GET", path, None, {"If-None-Match": known})
        assert (answer.status, answer.body) == (304, b""), known
        assert answer.headers["etag"] == tag
    assert server.ask("GET", path, None, {"If-None-Match": '"x"'}).status == 200
    put(server, "known")
    assert server.ask("GET", path, None, {"If-None-Match": tag}).status == 200


def test_a_lost_update_is_refused(server: Server) -> None:
    """Whoever has an older tag changes nothing, with each method; with the current one it does."""
    path, old = f"{OWN}/items/edited", put(server, "edited").headers["etag"]
    new = server.ask("PATCH", path, {"category": "first"}).headers["etag"]
    for method, body in (
        ("PUT", {"vector": [4, 3, 2, 1]}),
        ("PATCH", {"category": "second"}),
        ("DELETE", None),
    ):
        answer = server.ask(method, path, body, {"If-Match": old})
        assert problem(answer) == (412, "precondition_failed"), method
    found = server.ask("GET", f"{path}?with_vectors=true").json()
    assert found["category"] == "first"
    newer = server.ask("PATCH", path, {"category": "second"}, {"If-Match": new})
    assert newer.status == 200
    answer = server.ask("DELETE", path, None, {"If-Match": newer.headers["etag"]})
    assert answer.status == 204


def test_create_only_and_change_only(server: Server) -> None:
    """``If-None-Match: *`` adds and never replaces; ``If-Match: *`` replaces and never adds."""
    assert put(server, "made", If_None_Match="*").status == 200
    assert problem(put(server, "made", If_None_Match="*")) == (412, "precondition_failed")
    assert put(server, "made", If_Match="*").status == 200
    assert problem(put(server, "absent", If_Match="*")) == (412, "precondition_failed")
    assert server.ask("GET", f"{OWN}/items/absent").status == 404


def test_of_two_editors_one_wins(server: Server, data: Path) -> None:
    """Over two servers on the same data: of eight with one tag exactly one, each of ten times."""
    with Server(data) as other:
        path, tag = f"{OWN}/items/fought", put(server, "fought").headers["etag"]
        with ThreadPoolExecutor(8) as pool:
            for turn in range(10):

                def edit(number: int, turn: int = turn, tag: str = tag) -> tuple[Answered, str]:
                    name = f"{turn}-{number}"
                    at = (server, other)[number % 2]
                    return at.ask("PATCH", path, {"category": name}, {"If-Match": tag}), name

                done = list(pool.map(edit, range(8)))
                assert sorted(answer.status for answer, _ in done) == [200] + [412] * 7
                ((winner, name),) = [each for each in done if each[0].status == 200]
                assert winner.json()["category"] == name
                for at in (server, other):
                    found = at.ask("GET", path)
                    assert found.json()["category"] == name
                    assert found.headers["etag"] == winner.headers["etag"]
                tag = winner.headers["etag"]


@pytest.mark.parametrize(
    "value", ["", "x", '"x', 'x"', '"a" "b"', "W/x", '*, "x"', '"\x00"', '"x",' * 5_000]
)
def test_a_condition_that_cannot_be_read(value: str) -> None:
    """It is refused, not left out: whoever sends it means to protect something."""
    for header in ("if-match", "if-none-match"):
        with pytest.raises(UsageError):
            conditions_of(request(**{header: value}))


def test_conditions_are_read() -> None:
    """Lists, several headers, spaces, weak tags and none at all."""
    assert conditions_of(request()) == Conditions()
    both = conditions_of(request(**{"if-match": ' "a" ,W/"b","c,d"', "if-none-match": "*"}))
    assert both == Conditions(frozenset({"a", "b", "c,d"}), frozenset("*"))
    assert is_current(request(**{"if-none-match": '"a"'}), "a")
    assert not is_current(request(**{"if-none-match": '"a"'}), "b")
    assert not is_current(request(), "a")


def request(**headers: str) -> Request:
    """A request with headers."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})
