"""The document and the client agree: each operation has its method, and what is sent validates."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest

import mitame
from mitame.client import AsyncServedCollection, ServedCollection
from mitame.config import ServeConfig
from mitame.errors import MitameError
from mitame.serving.documenting.document import document
from mitame.serving.table import routes_of
from tests.serving.item_server import picture

DOCUMENT = json.loads(json.dumps(document(routes_of(ServeConfig(Path(), gannoy=True)))))
FOR_OTHERS = {"gannoy", "compatible", "page"}
"""Chapters for clients that were written for other servers, and for browsers."""
FOR_PEOPLE = {"get_docs"}
KEPT_LOCAL = {"remove_all", "embed_text", "add_lens", "switch_lenses", "check", "close"}
KEPT_LOCAL |= {"lenses", "default_lens", "path", "store"}
"""What is done where the collection's files are."""

PICTURE = picture(1)
CALLS: dict[str, Callable[[mitame.Client, ServedCollection], Any]] = {
    "get_collections": lambda client, _: client.collections(),
    "put_collection": lambda client, _: client.create("c", lenses={"color": "color"}),
    "get_collection": lambda _, c: c.describe(),
    "delete_collection": lambda client, _: client.drop("c"),
    "put_item": lambda _, c: c.add(
        "a/b", vector=np.ones(2), category="mug", attributes={"tags": ["a"], "n": 1, "x": None}
    ),
    "patch_item": lambda _, c: c.update("a", category=None, attributes={"sold": True}),
    "get_item": lambda _, c: c.vectors("a"),
    "delete_item": lambda _, c: c.remove("a"),
    "get_item_thumbnail": lambda _, c: c.thumbnail("a", image=1, side=64),
    "get_item_similar": lambda _, c: c.similar(
        "a", limit=5, where="price<5", lens="color", score_threshold=0.5, cursor="x"
    ),
    "post_items_batch": lambda _, c: c.batch(
        [{"id": 1, "vector": [1]}, {"op": "delete", "id": "a"}]
    ),
    "post_items_scroll": lambda _, c: c.scroll("a=b", cursor="x", with_vectors=["color"]),
    "post_items_count": lambda _, c: c.count("a=b"),
    "post_items_facets": lambda _, c: c.facets(
        ["category", "price"], "a=b", limit=3, ranges={"price": [{"gte": 0, "lt": 5}]}
    ),
    "get_attributes": lambda _, c: c.attributes(),
    "get_items_random": lambda _, c: c.random(5, "a=b", seed=7),
    "get_items_suggest": lambda _, c: c.suggest("sk", 5),
    "post_query": lambda _, c: c.query(
        image=PICTURE,
        where="a=b",
        region=(0, 0, 1, 0.5),
        diversity=0.5,
        collapse=True,
        wishes=("vector", "explain"),
    ),
    "post_query_batch": lambda _, c: c.query_many([{"id": "a", "with": ["vector"]}]),
    "post_compare": lambda _, c: c.compare("a", other="b", lens="color", limit=5),
    "post_duplicates": lambda _, c: c.duplicates(score=0.9, where="a=b", cursor="x"),
    "post_duplicates_decide": lambda _, c: c.decide(["a", 7], "same", replace=False),
    "get_duplicates_decisions": lambda _, c: c.decisions(after=3, limit=5),
    "get_duplicates_decision": lambda _, c: c.decision("ab"),
    "delete_duplicates_decision": lambda _, c: c.withdraw("ab"),
    "get_map": lambda _, c: c.map(lens="color", where="a=b", limit=5),
    "post_feedback": lambda _, c: c.feedback("q", [{"type": "shown", "id": "a"}], item=7),
    "post_comparisons": lambda _, c: c.vote(
        "a", {"lens": "look", "ids": ["b"]}, {"lens": "color", "ids": []}, "left"
    ),
    "get_comparisons": lambda _, c: c.votes(after=3, limit=5),
    "get_feedback": lambda _, c: c.feedback_events(after=3, limit=5, with_vectors=True),
    "get_generations": lambda _, c: c.generations(),
    "post_generation_activate": lambda _, c: c.activate(3),
    "post_merge": lambda _, c: c.merge(neighbors=10, half=True),
    "post_index": lambda _, c: c.index("pictures", prefix="x", prune=True),
    "get_bad_files": lambda _, c: c.bad_files(after="/a", limit=5, code="not_an_image"),
    "get_tuning": lambda _, c: c.tunings(),
    "post_tune": lambda _, c: c.tune(engines=["exact"], memory=1, latency=0.1, budget=5),
    "post_evaluations": lambda _, c: c.evaluate(lens="look", k=5, sample=50),
    "get_evaluations": lambda _, c: c.evaluations(limit=5, kind="recall", lens="look", cursor=3),
    "get_jobs": lambda client, _: client.jobs(kind="merge", state="done", limit=3),
    "get_job": lambda client, _: client.job("j"),
    "delete_job": lambda client, _: client.cancel("j"),
    "post_embed": lambda _, c: c.embed(PICTURE, lens="color"),
    "get_healthz": lambda client, _: client.health(),
    "get_readyz": lambda client, _: client.ready(),
    "get_metrics": lambda client, _: client.metrics(),
    "get_version": lambda client, _: client.version(),
    "get_openapi": lambda client, _: client.openapi(),
}
MORE: list[Callable[[mitame.Client, ServedCollection], Any]] = [
    lambda client, _: client.create("c", dim=3),
    lambda _, c: c.add("a", image=PICTURE, category="mug", replace=False),
    lambda _, c: c.add("a", images=[PICTURE, PICTURE]),
    lambda _, c: c.add("a", image="http://example.org/a.png"),
    lambda _, c: c.add("a", vectors={"own": [1.0]}),
    lambda _, c: c.get("a"),
    lambda _, c: c.search(vector=[1, 2], effort=0.5),
    lambda _, c: c.search(image="http://example.org/a.png"),
    lambda _, c: c.query(positive=[{"id": "a"}, {"vector": np.ones(2)}], negative=[{"text": "x"}]),
    lambda _, c: c.query(ids=[1, "b"]),
    lambda _, c: c.query(text="a mug"),
    lambda _, c: c.similar("a", exact=True),
    lambda _, c: c.embed("http://example.org/a.png"),
    lambda client, _: client.jobs(),
    lambda _, c: c.evaluate(),
    lambda _, c: c.evaluations(),
    lambda _, c: c.scroll(),
    lambda _, c: c.compare("a", image=PICTURE, patches=False),
    lambda _, c: c.compare("a", image="http://example.org/a.png"),
]


def told() -> dict[str, tuple[str, str, Any]]:
    """The operations that the client is for, by id."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if not FOR_OTHERS & set(operation["tags"]) and operation["operationId"] not in FOR_PEOPLE
    }


def sent(call: Callable[[mitame.Client, ServedCollection], Any]) -> httpx.Request:
    """The request that a call makes."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(
            400, json={"code": "usage", "detail": "x", "title": "", "status": 400}
        )

    transport = httpx.MockTransport(answer)
    with mitame.Client("http://server", transport=transport) as client, suppress(MitameError):
        call(client, client.collection("c"))
    assert len(seen) == 1
    return seen[0]


def check(schema: Any, value: Any) -> None:
    """Fail where a value is none of a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def meant(request: httpx.Request) -> str:
    """The operation that a request reaches."""
    path = request.url.raw_path.decode().partition("?")[0]
    for name, (method, template, _) in told().items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+?", re.escape(template))
        if request.method == method and re.fullmatch(pattern, path):
            return name
    raise AssertionError(f"{request.method} {path} reaches nothing")


def check_request(request: httpx.Request, operation: Any) -> None:
    """Its query string, headers and body are as the document has them."""
    known = DOCUMENT["components"]["parameters"]
    parameters = [
        known[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for each in operation["parameters"]
    ]
    fields = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
    for name, text in request.url.params.multi_items():
        is_number = fields[name].get("type") in ("integer", "number", "boolean")
        check(fields[name], json.loads(text) if is_number else text)
    headers = {
        each["name"].lower(): each["schema"] for each in parameters if each["in"] == "header"
    }
    for name in {"if-none-match", "if-match", "idempotency-key"} & set(request.headers):
        check(headers[name], request.headers[name])
    media = request.headers.get("content-type", "").partition(";")[0]
    if "requestBody" not in operation:
        assert not request.content
        return
    content = operation["requestBody"]["content"]
    if media == "application/json":
        check(content[media]["schema"], json.loads(request.content))
    elif media == "multipart/form-data":
        names = set(re.findall(rb'name="(\w+)"', request.content))
        assert names <= {name.encode() for name in content[media]["schema"]["properties"]}
    else:
        assert media in content


def test_every_operation_has_a_method() -> None:
    """And no call is left for an operation that is no more."""
    assert set(CALLS) == set(told())


@pytest.mark.parametrize("name", CALLS)
def test_what_a_method_sends_is_its_operation(name: str) -> None:
    """It reaches this operation and no other, and validates."""
    request = sent(CALLS[name])
    assert meant(request) == name
    check_request(request, told()[name][2])


@pytest.mark.parametrize("number", range(len(MORE)))
def test_other_ways_of_calling_validate(number: int) -> None:
    """Other bodies and forms of the same operations."""
    request = sent(MORE[number])
    check_request(request, told()[meant(request)][2])


def test_a_request_that_is_wrong_does_not_validate() -> None:
    """The checks above can fail."""
    request = sent(lambda _, c: c.query_many([{"id": "a", "limit": 0}]))
    with pytest.raises(jsonschema.ValidationError):
        check_request(request, told()["post_query_batch"][2])


def test_the_same_methods_as_a_local_collection() -> None:
    """But those that need its files; with parameters of the same names and defaults."""
    local = {name for name in dir(mitame.Collection) if not name.startswith("_")}
    assert local - KEPT_LOCAL <= set(dir(ServedCollection))
    for name in ("add", "update", "remove", "get", "vectors", "count", "search", "similar"):
        here = inspect.signature(getattr(mitame.Collection, name)).parameters
        there = inspect.signature(getattr(ServedCollection(None, "c"), name)).parameters  # type: ignore[arg-type]
        assert {n: p.default for n, p in here.items() if n != "self"}.items() <= {
            n: p.default for n, p in there.items()
        }.items(), name


def test_both_clients_have_the_same_methods() -> None:
    """But those that Python itself calls."""

    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(mitame.Client) == public(mitame.AsyncClient) - {"send_made"}
    assert public(ServedCollection) == public(AsyncServedCollection)


def test_help_tells_of_an_operation() -> None:
    """Its words and parameters, without the collection's name and with what it gives."""
    client = mitame.Client("http://server")
    found = client.collection("c").similar
    assert (found.__doc__ or "").startswith("What looks like this item")
    assert str(inspect.signature(found)).startswith("(id: 'str | int', *, limit")
    assert inspect.signature(found).return_annotation == "ServedAnswer"
    client.close()
    later = mitame.AsyncClient("http://server")
    assert inspect.iscoroutinefunction(later.version)
    asyncio.run(later.close())
