"""The OpenAPI document and its page, of a real server and of all that can be served."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mitame.config import ServeConfig
from mitame.serving.callers.roles import Role
from mitame.serving.documenting.document import TAGS, document
from mitame.serving.documenting.html import html
from mitame.serving.documenting.operations import operation_id
from mitame.serving.documenting.schemas import field_lines
from mitame.serving.table import routes_of
from tests.serving.running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data")) as running:
        yield running


def told(*, gannoy: bool = True) -> Any:
    routes = routes_of(ServeConfig(Path(), gannoy=gannoy))
    return json.loads(json.dumps(document(routes)))


def operations(found: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


@pytest.mark.parametrize("gannoy", [False, True])
def test_the_document_is_valid(gannoy: bool) -> None:
    """By the meta schema of OpenAPI 3.1, with every reference leading somewhere."""
    OpenAPIV31SpecValidator(told(gannoy=gannoy)).validate()


def test_every_route_is_in_the_document() -> None:
    """With its method, an id of its own, its chapter, and all statuses that its errors have."""
    routes = routes_of(ServeConfig(Path(), gannoy=True))
    found = {(method, path): operation for method, path, operation in operations(told())}
    assert set(found) == {(route.method, route.path) for route in routes}
    assert len({operation["operationId"] for operation in found.values()}) == len(routes)
    for route in routes:
        operation = found[route.method, route.path]
        assert operation["operationId"] == operation_id(route)
        assert set(operation["tags"]) <= set(TAGS)
        assert str(route.status) in operation["responses"]
        if route.fails is None:
            wanted = {str(error.status) for error in route.errors}
            assert wanted <= set(operation["responses"]), route.path


def test_what_needs_no_key_says_so() -> None:
    """Operations without security are those of the role open, and no others."""
    roles = {(r.method, r.path): r.role for r in routes_of(ServeConfig(Path(), gannoy=True))}
    for method, path, operation in operations(told()):
        is_open = operation.get("security") == []
        assert is_open == (roles[method, path] == Role.OPEN), path
        assert ("401" in operation["responses"]) <= (not is_open)


def test_fields_are_explained() -> None:
    """What the types' docstrings say of a field stands beside it, in bodies and query strings."""
    found = told()
    body = found["components"]["schemas"]["QueryBody"]
    assert body["description"].startswith("A question: exactly one of")
    assert body["properties"]["limit"]["description"] == "at most so many neighbours."
    assert body["properties"]["with"]["description"].startswith(
        "what neighbours are to be told with"
    )
    similar = found["paths"]["/v1/collections/{collection}/items/{id}/similar"]["get"]
    limit = next(each for each in similar["parameters"] if each.get("name") == "limit")
    assert limit["description"] == "at most so many neighbours."
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10}
    assert not re.search(r"Attributes:\s", json.dumps(found))


def test_field_lines() -> None:
    """Names that share a line, lines that go on, and code marks."""
    doc = "What.\n\nAttributes:\n    a, b: both\n        of ``them``.\n    c: one."
    assert field_lines(doc) == {"a": "both of `them`.", "b": "both of `them`.", "c": "one."}


def test_gannoy_is_told_where_it_is_served_only() -> None:
    """A server without gannoy's routes does not speak of them."""
    assert "/databases" not in told(gannoy=False)["paths"]
    assert "/databases" in told(gannoy=True)["paths"]


def test_a_server_answers_its_document(server: Server) -> None:
    """The very document, with a tag that spares a second reading."""
    answer = server.ask("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == told(gannoy=False)
    again = server.ask("GET", "/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    small = server.ask("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert len(small.body) < len(answer.body) / 5
    other = server.ask("GET", "/openapi.json", headers={"If-None-Match": '"other"'})
    assert other.status == 200


def test_null_is_no_way_to_leave_a_field_out(server: Server) -> None:
    """A query string can't say null: it is refused, where it isn't a text like any other."""
    refused = server.ask("GET", "/v1/jobs?state=null")
    assert (refused.status, refused.json()["code"]) == (422, "invalid_body")
    assert server.ask("GET", "/v1/jobs?collection=null").json()["jobs"] == []


def test_options_beside_a_body_that_has_its_own_are_refused(server: Server) -> None:
    """They would be passed over in silence."""
    path = "/v1/collections/own"
    assert server.ask("PUT", path, {"dim": 2}).status == 201
    assert server.ask("POST", f"{path}/query", {"vector": [1, 2]}).status == 200
    refused = server.ask("POST", f"{path}/query?limit=1", {"vector": [1, 2]})
    assert (refused.status, refused.json()["code"]) == (422, "invalid_body")


class _Page(HTMLParser):
    """What a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        assert not {"style", "onclick", "src"} & set(found)
        self.ids.add(found.get("id") or "")
        self.links.add(found.get("href") or "")


def test_the_page_has_all_and_needs_nothing_else(server: Server) -> None:
    """Each operation and each type; no script; the policy allows its own style and no other."""
    answer = server.ask("GET", "/docs")
    assert answer.headers["content-type"].startswith("text/html")
    text = answer.body.decode()
    page = _Page()
    page.feed(text)
    found = told(gannoy=False)
    assert {operation["operationId"] for _, _, operation in operations(found)} <= page.ids
    assert {f"type-{name}" for name in found["components"]["schemas"]} <= page.ids
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    assert not {"script", "link", "img", "iframe"} & page.tags
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy


def test_the_page_knows_fixed_lists() -> None:
    """A type that is a list of so many things, each of its own kind."""
    pair = {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
    }
    types = {"Pair": {"type": "object", "properties": {"both": pair}}}
    info = {"title": "t", "version": "1", "description": ""}
    found = html({"info": info, "tags": [], "paths": {}, "components": {"schemas": types}})
    assert "list of string, integer" in found
