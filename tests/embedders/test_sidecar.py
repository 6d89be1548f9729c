"""The sidecar's parser: defaults, every key, and every wrong value named."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.embedders.preprocess import Recipe
from mitame.embedders.sidecar import MAX_CHARACTERS, TextSide, parse_sidecar
from mitame.errors import InvalidModel

LEAST: dict[str, Any] = {"name": "m", "size": 32}
TEXT = {"model": "t.onnx", "tokenizer": "v.txt", "length": 8}
FULL: dict[str, Any] = {
    "name": "my-model_1.0",
    "licence": "MIT",
    "size": [40, 30],
    "mode": "crop",
    "resize": 50,
    "filter": "bilinear",
    "fill": 3,
    "mean": [1, 2.5, 3],
    "scale": 2,
    "layout": "nhwc",
    "colors": "bgr",
    "input": "in",
    "output": "out",
    "pooling": "average",
    "distance": "euclidean",
    "normalise": True,
    "same_at": 0.9,
    "similar_at": 0.5,
    "batch": 4,
    "text": {**TEXT, "input": "ids", "mask": "mask", "output": "vector"},
}


def test_defaults() -> None:
    """Name and size are enough: the usual recipe, cosine."""
    found = parse_sidecar(json.dumps(LEAST))
    assert found.recipe == Recipe((32, 32), 32)
    assert (found.layout, found.colors, found.pooling) == ("nchw", "rgb", "none")
    assert (found.distance, found.normalise, found.batch) == ("cosine", True, 1)
    assert found.input is None
    assert found.output is None
    assert found.text is None


def test_every_key() -> None:
    """Every key arrives where it belongs."""
    found = parse_sidecar(json.dumps(FULL))
    mean, scale = (1.0, 2.5, 3.0), (2.0, 2.0, 2.0)
    assert found.recipe == Recipe((40, 30), 50, "crop", "bilinear", mean, scale, 3)
    assert (found.name, found.licence, found.layout, found.colors) == (
        "my-model_1.0",
        "MIT",
        "nhwc",
        "bgr",
    )
    assert (found.input, found.output, found.pooling) == ("in", "out", "average")
    assert (found.distance, found.normalise, found.batch) == ("euclidean", True, 4)
    assert (found.same_at, found.similar_at) == (0.9, 0.5)
    assert found.text == TextSide("t.onnx", "v.txt", 8, "ids", "mask", "vector")


WRONG: list[tuple[str, Any]] = [
    ("name", None),
    ("name", "a/b"),
    ("name", ""),
    ("licence", 3),
    ("size", 0),
    ("size", 5_000),
    ("size", [1, 2, 3]),
    ("size", "224"),
    ("size", True),
    ("size", [1.5, 2]),
    ("mode", "stretch"),
    ("mode", ["crop"]),
    ("resize", 31),
    ("resize", 1e3),
    ("filter", "nearest"),
    ("fill", 256),
    ("mean", [1, 2]),
    ("mean", "0.5"),
    ("mean", 1e12),
    ("scale", 0),
    ("scale", [1, 0, 1]),
    ("layout", "chw"),
    ("colors", "yuv"),
    ("input", ""),
    ("output", 1),
    ("pooling", "gem"),
    ("distance", "manhattan"),
    ("normalise", "yes"),
    ("normalise", False),
    ("same_at", "high"),
    ("similar_at", None),
    ("batch", 0),
    ("batch", 1_000),
    ("text", []),
    ("text.model", "../t.onnx"),
    ("text.model", "/t.onnx"),
    ("text.model", "a\\t.onnx"),
    ("text.model", ".."),
    ("text.model", None),
    ("text.tokenizer", "C:v.txt"),
    ("text.length", 0),
    ("text.length", None),
    ("text.mask", 7),
    ("text.more", 1),
    ("more", 1),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_wrong_values_are_named(key: str, value: Any) -> None:
    """A wrong, missing or unknown key is InvalidModel with the key in the message."""
    data = json.loads(json.dumps({**LEAST, "text": TEXT}))
    inner, _, last = key.rpartition(".")
    place = data["text"] if inner else data
    place[last] = value
    if value is None and last in ("length", "model", "name"):
        del place[last]
    with pytest.raises(InvalidModel, match=f"'{key}'"):
        parse_sidecar(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000, '{"name": NaN}', "null"])
def test_not_an_object(text: str) -> None:
    """Anything but one object is InvalidModel."""
    with pytest.raises(InvalidModel):
        parse_sidecar(text)


def test_too_long() -> None:
    """The text is bounded."""
    with pytest.raises(InvalidModel, match="characters"):
        parse_sidecar(" " * (MAX_CHARACTERS + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(FULL)), JSON)
def test_any_value(key: str, value: Any) -> None:
    """Any JSON value under any key is taken or refused with InvalidModel."""
    with contextlib.suppress(InvalidModel):
        parse_sidecar(json.dumps({**FULL, key: value}))
