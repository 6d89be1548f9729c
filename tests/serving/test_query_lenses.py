"""Questions by text, and questions while a lens gets another embedder."""

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
from mitame.distances import exact
from mitame.embedders.onnx_file import TwoTowerEmbedder, open_onnx_file
from tests.embedders.small_models import two_towers
from tests.serving.running_server import Server

QUERY = "/v1/collections/shop/query"


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_towers(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("lenses")
    lenses = {"look": f"onnx:{model}", "color": "color"}
    with mitame.open(data, "shop", lenses=lenses) as shop:
        for n in range(8):
            shop.add(f"i{n}", image=picture(n))
    with Server(data) as running:
        yield running


def asked(server: Server, **body: Any) -> dict[str, Any]:
    answer = server.ask("POST", QUERY, body)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def test_by_text(server: Server, model: Path) -> None:
    """The pictures nearest to the text's own vector."""
    embedder = open_onnx_file(model)
    assert isinstance(embedder, TwoTowerEmbedder)
    own = embedder.embed_text(["red mugs"])[0]
    with mitame.open(server.data, "shop", create=False) as shop:
        rows = np.stack([shop.embed(picture(n), lens="look") for n in range(8)])
    expected = [f"i{n}" for n in np.argsort(exact(own, rows, "cosine"), kind="stable")]
    found = asked(server, text="red mugs", lens="look")
    assert [each["id"] for each in found["neighbors"]] == expected
    mixed = asked(server, positive=[{"text": "red mugs"}], lens="look")
    assert [each["id"] for each in mixed["neighbors"]] == expected


def test_by_text_where_there_is_no_text_side(server: Server) -> None:
    """It says which lens, and what to do."""
    answer = server.ask("POST", QUERY, {"text": "red mugs", "lens": "color"})
    assert (answer.status, answer.json()["code"]) == (422, "no_text_side")
    assert "'color'" in answer.json()["detail"]


def test_too_long_a_text(server: Server) -> None:
    """A text has a limit."""
    answer = server.ask("POST", QUERY, {"text": "a" * 10_001, "lens": "look"})
    assert (answer.status, answer.json()["code"]) == (400, "usage")


def test_a_lens_that_is_switched_meanwhile(server: Server) -> None:
    """Another process exchanges the lenses: the next question is embedded for the new one.

    The server still has the old lenses in mind when it embeds the picture, so the vector is of
    the wrong embedder when it comes to be compared; it must be made again.
    """
    image = base64.b64encode(picture(3)).decode()
    for _ in range(2):
        before = asked(server, image=image, **{"with": ["explain"]})
        with mitame.open(server.data, "shop", create=False) as shop:
            shop.store.swap_lenses("look", "color")
        after = asked(server, image=image, **{"with": ["explain"]})
        assert before["explain"]["embedder"] != after["explain"]["embedder"]
        for found in (before, after):
            assert (found["lens"], found["neighbors"][0]["id"]) == ("look", "i3")
            assert found["neighbors"][0]["match"] == "same"
