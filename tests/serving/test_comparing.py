"""Two items, or an item and a picture, beside each other over HTTP."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.embedders.catalog import open_embedder
from mitame.embedders.protocol import PatchEmbedder
from mitame.serving.seeing.exposition import parsed
from tests.serving.running_server import Server

PATH = "/v1/collections/shop/compare"
SIDE = 224


def scene(left: int, right: int) -> Image.Image:
    """Two halves, each with a texture of its own."""
    halves = []
    for seed in (left, right):
        rng = np.random.default_rng(seed)
        cells = rng.integers(0, 256, (7, 4, 3), np.uint8).repeat(32, axis=0).repeat(28, axis=1)
        halves.append(cells)
    return Image.fromarray(np.concatenate(halves, axis=1))


def file(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that share their left half, their right half, or nothing."""
    made = tmp_path_factory.mktemp("scenes")
    for name, halves in {"ab": (1, 2), "ac": (1, 3), "db": (4, 2), "ef": (5, 6)}.items():
        (made / f"{name}.png").write_bytes(file(scene(*halves)))
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    with mitame.open(data, "shop") as shop:
        shop.index(folder)
    with mitame.open(data, "shop", copies_mb=0) as shop:
        shop.add("sent", image=file(scene(1, 2)))
    with mitame.open(data, "bare", lenses={"vectors": "vectors:2"}) as bare:
        bare.add("a", vector=[1, 0])
        bare.add("b", vector=[1, 1])
    with Server(data) as running:
        yield running


def asked(server: Server, **body: Any) -> dict[str, Any]:
    answer = server.ask("POST", PATH, body)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def test_patches_add_up_to_the_picture() -> None:
    """The mean of the parts, normalised, is the vector that the picture is found by."""
    embedder = open_embedder("efficientnet-lite0")
    assert isinstance(embedder, PatchEmbedder)
    pixels = np.asarray(scene(1, 2).resize((400, 300)))
    seen = embedder.patches(pixels)
    mean = seen.features.mean(axis=(0, 1))
    vector = embedder.embed([embedder.prepare(pixels)])[0]
    np.testing.assert_allclose(mean / np.linalg.norm(mean), vector, atol=1e-4)
    left, top, right, bottom = seen.box
    assert 0 < left < right < 1
    assert np.isclose((right - left) * 400, (bottom - top) * 300, atol=2)  # the centre, a square


def test_two_items(server: Server) -> None:
    """Each lens's distance is what a search says; the rank, and the neighbours in common."""
    found = asked(server, id="ab.png", other="ac.png", limit=3)
    similar = server.ask("GET", "/v1/collections/shop/items/ab.png/similar?limit=3").json()
    ids = [each["id"] for each in similar["neighbors"]]
    look = next(each for each in found["lenses"] if each["lens"] == "look")
    answered = similar["neighbors"][ids.index("ac.png")]
    assert np.isclose(look["score"], answered["score"], atol=1e-4)
    assert look["match"] == answered["match"]
    assert found["rank"] == ids.index("ac.png") + 1
    theirs = server.ask("GET", "/v1/collections/shop/items/ac.png/similar?limit=3").json()
    both = {each["id"] for each in theirs["neighbors"]} & set(ids)
    assert set(found["common"]) == both
    assert {each["lens"] for each in found["lenses"]} == {"look", "color"}


@pytest.mark.parametrize(("other", "columns"), [("ac.png", slice(0, 3)), ("db.png", slice(4, 7))])
def test_what_they_share_is_where_they_are_alike(
    server: Server, other: str, columns: slice
) -> None:
    """The half that is the same in both matches, and at the same place; the other half less."""
    patches = asked(server, id="ab.png", other=other)["patches"]
    for side in (patches["first"], patches["second"]):
        similarity = np.array(side["similarity"])
        assert similarity.shape == (7, 7)
        rest = np.delete(similarity, range(7)[columns], axis=1)
        assert similarity[:, columns].mean() > rest.mean() + 0.03
    score = next(e["score"] for e in asked(server, id="ab.png", other=other)["lenses"])
    assert np.isclose(np.sum(patches["first"]["share"]), score, atol=5e-3)
    assert np.isclose(np.sum(patches["second"]["share"]), score, atol=5e-3)


def test_an_item_and_a_picture(server: Server, folder: Path) -> None:
    """As if the picture were an item; it has no rank."""
    data = (folder / "ac.png").read_bytes()
    sent = asked(server, id="ab.png", image_base64=base64.b64encode(data).decode())
    kept = asked(server, id="ab.png", other="ac.png")
    for one, other in zip(sent["lenses"], kept["lenses"], strict=True):
        assert np.isclose(one["score"], other["score"], atol=1e-4)
    assert sent["patches"] == kept["patches"]
    assert sent["rank"] is None
    with mitame.Client(server.url) as client:
        found = client.collection("shop").compare("ab.png", image=data)
    assert found.patches is not None
    assert np.shape(found.patches.first.match) == (7, 7)


def test_where_parts_cant_be_told(server: Server) -> None:
    """A picture that is not kept, a lens that sees none, or nobody asked: the rest is answered."""
    found = asked(server, id="sent", other="ab.png")
    assert (found["patches"], "not kept" in found["note"]) == (None, True)
    assert found["lenses"][0]["match"] == "same"
    found = asked(server, id="ab.png", other="ac.png", patches=False)
    assert (found["patches"], found["note"]) == (None, None)
    answer = server.ask("POST", "/v1/collections/bare/compare", {"id": "a", "other": "b"})
    assert answer.json()["patches"] is None
    assert np.isclose(answer.json()["lenses"][0]["score"], np.sqrt(0.5))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"id": "ab.png"}, 422),
        ({"id": "ab.png", "other": "ac.png", "image_base64": "AAAA"}, 422),
        ({"id": "ab.png", "other": "none"}, 404),
        ({"id": "none", "other": "ab.png"}, 404),
        ({"id": "", "other": "ab.png"}, 422),
        ({"id": "ab.png", "other": "ac.png", "lens": "none"}, 404),
        ({"id": "ab.png", "other": "ac.png", "limit": 0}, 422),
        ({"id": "ab.png", "image_base64": "*"}, 422),
        ({"id": "ab.png", "image_base64": "AAAA"}, 422),
        ({"id": "ab.png", "image_url": "file:///etc/passwd"}, 422),
        ({"id": "ab.png", "image_url": "http://127.0.0.1:1/a.png"}, 422),
        ([], 422),
    ],
)
def test_what_is_refused(server: Server, body: object, status: int) -> None:
    """With a stable code."""
    answer = server.ask("POST", PATH, body, {"Content-Type": "application/json"})
    assert (answer.status, "code" in answer.json()) == (status, True), answer.body


def test_parts_are_told_as_pictures_are_embedded(server: Server) -> None:
    """On the threads that are there for it, with the same bound: both pictures are counted."""
    counted = ("mitame_stage_duration_seconds_count", {"stage": "embed"})

    def embedded() -> float:
        samples = parsed(server.ask("GET", "/metrics").body.decode())
        return sum(each.value for each in samples if (each.name, each.labels) == counted)

    before = embedded()
    asked(server, id="ab.png", other="ac.png", patches=False)
    assert embedded() == before
    asked(server, id="ab.png", other="ac.png")
    assert embedded() == before + 2


def test_an_item_is_itself(server: Server) -> None:
    """Beside itself: the same in every lens, every part at its own place."""
    found = asked(server, id="ab.png", other="ab.png")
    assert all(each["match"] == "same" for each in found["lenses"])
    assert np.array(found["patches"]["first"]["match"]).ravel().tolist() == list(range(49))


def test_a_picture_may_be_a_path(server: Server, folder: Path) -> None:
    """As everywhere else where the client takes a picture."""
    with mitame.Client(server.url) as client:
        shop = client.collection("shop")
        path = shop.compare("ab.png", image=folder / "ac.png")
        data = shop.compare("ab.png", image=(folder / "ac.png").read_bytes())
    assert path.lenses == data.lenses


def test_uploads_are_compared_by_their_copy(server: Server, folder: Path) -> None:
    """The server has no file of them, but something to look at."""
    media = {"Content-Type": "image/png"}
    path = "/v1/collections/shop/items/uploaded"
    data = (folder / "ab.png").read_bytes()
    assert server.ask("PUT", path, data, media).status == 200
    patches = asked(server, id="uploaded", other="ab.png")["patches"]
    assert np.mean(patches["first"]["similarity"]) > 0.9
    assert server.ask("DELETE", path).status == 204
