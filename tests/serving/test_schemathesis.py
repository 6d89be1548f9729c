"""The API keeps what its document says, whatever it is sent: schemathesis against a real server.

``MITAME_SCHEMATHESIS_EXAMPLES=2000`` sends so many requests to each route instead of a few, and
other ones each time; ``--hypothesis-seed=N`` sends those of a seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from mitame.config import ServeConfig
from mitame.serving.documenting.document import document
from mitame.serving.table import routes_of
from tests.serving.item_server import picture
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

EXAMPLES = int(os.environ.get("MITAME_SCHEMATHESIS_EXAMPLES", "8"))
KEY = "a-key-for-schemathesis-0123456789"
REFUSALS = ["400", "404", "409", "412", "413", "414", "415", "422"]
"""What a schema can't say is refused, too: a filter's grammar, exactly one of several fields, a
vector's dimension, an item that is not there."""
ROWS = ("post_items_batch", "post_query_batch")
"""Batches answer 200: a row that is wrong fails alone, with a status of its own."""
WHOLE = ("put_collection", "delete_collection")
"""What makes and drops collections gets names as they come; all else, those that are there."""

CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *REFUSALS]},
    "negative_data_rejection": {"expected-statuses": ["401", "403", "405", "431", *REFUSALS]},
}
schema = schemathesis.openapi.from_dict(
    document(routes_of(ServeConfig(Path(), gannoy=True))),
    config=SchemathesisConfig.from_dict({"checks": CHECKS}),
)


@schemathesis.serializer("application/x-ndjson")
def _lines(_: object, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that needs a key and has items ``a`` and ``b``; gannoy's routes, too."""
    running = limited_server(
        tmp_path_factory.mktemp("data"),
        limits={"failed_keys_per_minute": 10_000_000},
        env={"MITAME_KEY": KEY},
        gannoy=True,
    )
    with running as found:
        _fill(found)
        yield found


def _fill(server: Server) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    own, seen = "/v1/collections/own", "/v1/collections/pictures"
    assert server.ask("PUT", own, {"dim": 4}, headers).status == 201
    assert server.ask("PUT", seen, {"lenses": {"color": "color"}}, headers).status == 201
    for number, name in enumerate(("a", "b", "1")):
        body = {"vector": [1.0, number, 0.5, 0.25], "category": "mug"}
        assert server.ask("PUT", f"{own}/items/{name}", body, headers).status == 200
        file = {**headers, "Content-Type": "image/png"}
        answer = server.ask("PUT", f"{seen}/items/{name}", picture(number), file)
        assert answer.status == 200


def _meant(case: Any) -> None:
    """Let a request that is right meet what is there, mostly."""
    places, operation = case.path_parameters, case.operation.definition.raw["operationId"]
    if not case.meta.generation.mode.is_positive or not places or operation in WHOLE:
        return
    if "collection" in places:
        places["collection"] = "own" if len(places["collection"]) % 2 else "pictures"
    if "id" in places and len(places["id"]) % 3:
        places["id"] = "ab"[len(places["id"]) % 2]


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="MITAME_SCHEMATHESIS_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
    database=None,
)
def test_the_document_is_kept(case: Any, server: Server) -> None:
    """No 5xx; statuses, content types, headers and bodies as they are told; wrong requests refused,
    right ones not; no key, no answer."""
    _meant(case)
    is_batch = case.operation.definition.raw["operationId"] in ROWS
    excluded: list[CheckFunction] = [negative_data_rejection] if is_batch else []
    case.call_and_validate(
        base_url=server.url,
        headers={"Authorization": f"Bearer {KEY}"},
        excluded_checks=excluded,
        timeout=60,
    )
