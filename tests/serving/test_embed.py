"""Pictures to vectors over HTTP, without a collection that keeps them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.embedders.catalog import open_embedder
from mitame.images.decode import decode
from mitame.serving.callers.key_store import opened
from mitame.serving.callers.roles import Role
from tests.serving.item_server import (
    bomb,
    form,
    item_server,
    picture,
    problem,
    state,
    text,
)
from tests.serving.running_server import Server

PNG = {"Content-Type": "image/png"}
BY_COLOR = "/v1/embed?embedder=color"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with item_server(tmp_path_factory.mktemp("embed")) as running:
        yield running


def truth(*seeds: int) -> NDArray[np.float32]:
    """The vectors that the embedder itself makes."""
    embedder = open_embedder("color")
    pixels = [decode(picture(seed)).pixels for seed in seeds]
    return embedder.embed([embedder.prepare(each) for each in pixels])


def embedded(server: Server, path: str, *sent: Any) -> Any:
    """The answer, which is one."""
    answer = server.ask("POST", path, *sent)
    assert answer.status == 200, answer.body
    return answer.json()


def test_a_picture_alone(server: Server) -> None:
    """By an embedder's name or a collection's lens: the same vector, with what it means."""
    expected = truth(1)
    for query in ("embedder=color", "collection=pictures", "collection=pictures&lens=color"):
        found = embedded(server, f"/v1/embed?{query}", picture(1), PNG)
        assert np.allclose(found.pop("vectors"), expected, atol=1e-6)
        assert found == {
            "embedder": "color",
            "fingerprint": open_embedder("color").spec.fingerprint,
            "dimension": 176,
            "distance": "cosine",
        }


def test_several_pictures(server: Server) -> None:
    """In a form and in JSON, in their order; more than are worked on at once."""
    seeds = list(range(70))
    parts = [("image", "image/png", picture(seed)) for seed in seeds]
    as_form = embedded(server, BY_COLOR, *form(*parts))
    options = ("options", "application/json", b'{"collection":"pictures","encoding":"base64"}')
    packed = embedded(server, "/v1/embed", *form(*parts, options))
    images = [{"image_base64": text(picture(seed))} for seed in seeds]
    as_json = embedded(server, "/v1/embed", {"embedder": "color", "images": images})
    unpacked = [np.frombuffer(base64.b64decode(each), "<f4") for each in packed["vectors"]]
    for found in (as_form["vectors"], as_json["vectors"], unpacked):
        assert np.allclose(found, truth(*seeds), atol=1e-6)


def test_packed_and_binary(server: Server) -> None:
    """Base64 in JSON, or the floats alone where that is what is accepted."""
    path = f"{BY_COLOR}&encoding=base64"
    found = embedded(server, path, {"image_base64": text(picture(1))})
    data = base64.b64decode(found["vectors"][0])
    body = {"images": [{"image_base64": text(picture(seed))} for seed in (1, 2)]}
    headers = {"Accept": "application/octet-stream", "Content-Type": "application/json"}
    answer = server.ask("POST", BY_COLOR, body, headers)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["mitame-dimension"] == "176"
    rows = np.frombuffer(answer.body, "<f4").reshape(2, 176)
    assert rows[0].tobytes() == data
    assert np.allclose(rows, truth(1, 2), atol=1e-6)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/v1/embed", picture(1), PNG, 422, "invalid_body"),
        (f"{BY_COLOR}&collection=pictures", picture(1), PNG, 422, "invalid_body"),
        (f"{BY_COLOR}&lens=color", picture(1), PNG, 422, "invalid_body"),
        (f"{BY_COLOR}&encoding=hex", picture(1), PNG, 422, "invalid_body"),
        (f"{BY_COLOR}&colour=1", picture(1), PNG, 422, "invalid_body"),
        (f"{BY_COLOR}&embedder=color", picture(1), PNG, 422, "invalid_body"),
        ("/v1/embed?embedder=none", picture(1), PNG, 404, "unknown_embedder"),
        ("/v1/embed?embedder=", picture(1), PNG, 404, "unknown_embedder"),
        ("/v1/embed?embedder=onnx:/etc/passwd", picture(1), PNG, 404, "unknown_embedder"),
        ("/v1/embed?embedder=onnx:PATH", picture(1), PNG, 404, "unknown_embedder"),
        ("/v1/embed?embedder=timm/resnet18", picture(1), PNG, 404, "unknown_embedder"),
        ("/v1/embed?embedder=timm/NAME", picture(1), PNG, 404, "unknown_embedder"),
        ("/v1/embed?collection=none", picture(1), PNG, 404, "collection_not_found"),
        ("/v1/embed?collection=../x", picture(1), PNG, 404, "collection_not_found"),
        ("/v1/embed?collection=pictures&lens=x", picture(1), PNG, 404, "unknown_lens"),
        ("/v1/embed?collection=own", picture(1), PNG, 400, "usage"),
        (BY_COLOR, b"", PNG, 422, "empty_image"),
        (BY_COLOR, b"x", PNG, 422, "not_an_image"),
        (BY_COLOR, bomb(100_000, 100_000), PNG, 413, "image_too_large"),
        (BY_COLOR, {}, None, 422, "invalid_body"),
        (BY_COLOR, {"images": []}, None, 422, "invalid_body"),
        (BY_COLOR, {"images": [{}]}, None, 422, "invalid_body"),
        (BY_COLOR, {"images": [{"image_base64": "A"}]}, None, 422, "invalid_body"),
        (BY_COLOR, {"image_url": "http://127.0.0.1/x"}, None, 422, "fetch_refused"),
        (BY_COLOR, {"image_url": "/etc/passwd"}, None, 422, "invalid_body"),
        (BY_COLOR, *form(("options", "application/json", b"{}")), 422, "invalid_body"),
        (BY_COLOR, b"x", {"Content-Type": "text/plain"}, 415, "unsupported_media"),
    ],
)
def test_what_is_refused(
    server: Server, path: str, body: Any, headers: Any, status: int, code: str
) -> None:
    """Names of files and of others' models are no embedders: a caller opens nothing here."""
    before = state(server)
    assert problem(server.ask("POST", path, body, headers)) == (status, code)
    assert state(server) == before


def test_a_key_reaches_only_its_own_collections(tmp_path: Path) -> None:
    """The collection is no part of the path, and is checked all the same."""
    with opened(tmp_path) as store:
        admin, reader = store.add("admin", Role.ADMIN), store.add("reader", Role.READ, ["mine"])
    with Server(tmp_path) as server:
        for name in ("mine", "other"):
            body, headers = {"lenses": {"color": "color"}}, {"api-key": admin}
            assert server.ask("PUT", f"/v1/collections/{name}", body, headers).status == 201
        assert server.ask("POST", "/v1/embed?collection=mine", picture(1), PNG).status == 401
        for name, status in (("mine", 200), ("other", 404), ("none", 404)):
            headers = {**PNG, "api-key": reader}
            answer = server.ask("POST", f"/v1/embed?collection={name}", picture(1), headers)
            assert answer.status == status, name
