"""The JSON file beside an ONNX model that says how to feed it. Pure.

``model.onnx`` is described by ``model.onnx.json``, one object. Only ``name`` and ``size`` must be
there::

    {
      "name": "my-model",            letters, digits, ".", "_" and "-"; at most 100
      "licence": "MIT",              SPDX name of the weights' licence
      "size": [224, 224],            width and height of the input in pixels, or one number
      "mode": "crop",                or "squash" or "letterbox"
      "resize": 256,                 shorter side before the centre crop; if absent, of the size
      "filter": "bicubic",           or "bilinear", "lanczos", "box"
      "fill": 255,                   grey around a letterboxed picture
      "mean": [127.5, 127.5, 127.5], per channel of RGB, in units of 0 to 255
      "scale": [127.5, 127.5, 127.5],   the input is (x - mean) / scale
      "layout": "nchw",              or "nhwc"
      "colors": "rgb",               or "bgr"
      "input": "pixels",             the model's only input if absent
      "output": "features",          the model's only output if absent
      "pooling": "none",             "average" or "max" over height and width of a 4-D output
                                     (NCHW) or over the tokens of a 3-D one; "first": one token
      "distance": "cosine",          or "euclidean", "inner_product"
      "normalise": true,             to length 1; must be so, and is, for cosine
      "same_at": 0.95,               score from which two pictures are called the same
      "similar_at": 0.6,             score from which they are called similar
      "batch": 1,                    pictures per run, 1 to 64
      "text": {                      the text side of a model with two towers
        "model": "text.onnx",        beside the picture model
        "tokenizer": "tokenizer.json",   or "vocabulary.txt"; see `mitame.embedders.text_tower`
        "length": 77,                tokens per text; longer ones are cut, shorter ones filled
        "input": "input_ids",
        "mask": "attention_mask",    absent if the model takes none
        "output": "text_embeds"
      }
    }
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from mitame.distances import Distance
from mitame.embedders.preprocess import Mode, Recipe, Triple
from mitame.embedders.resample import Filter
from mitame.errors import InvalidModel

Pooling = Literal["none", "average", "max", "first"]
Layout = Literal["nchw", "nhwc"]
Colors = Literal["rgb", "bgr"]

MAX_CHARACTERS = 1_000_000
MAX_SIDE = 4_096
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True)
class TextSide:
    """The key ``text``; see the module."""

    model: str
    tokenizer: str
    length: int
    input: str | None
    mask: str | None
    output: str | None


@dataclass(frozen=True)
class Sidecar:
    """A whole sidecar, checked; see the module for its keys."""

    name: str
    licence: str
    recipe: Recipe
    layout: Layout
    colors: Colors
    input: str | None
    output: str | None
    pooling: Pooling
    distance: Distance
    normalise: bool
    same_at: float
    similar_at: float
    batch: int
    text: TextSide | None


def parse_sidecar(text: str) -> Sidecar:
    """The sidecar in a JSON text.

    Raises:
        InvalidModel: not one JSON object, an unknown or missing key, or a wrong value; the message
            names the key.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidModel(f"the sidecar has over {MAX_CHARACTERS:,} characters")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidModel(f"the sidecar is not JSON ({type(error).__name__})") from error
    keys = _Keys(data, "")
    sidecar = _sidecar(keys)
    keys.end()
    return sidecar


def _sidecar(keys: _Keys) -> Sidecar:
    distance = cast(Distance, keys.choice("distance", "cosine", "euclidean", "inner_product"))
    normalise = keys.flag("normalise", distance == "cosine")
    if distance == "cosine" and not normalise:
        raise InvalidModel("the sidecar's 'normalise' must be true for the distance cosine")
    return Sidecar(
        name=keys.name("name"),
        licence=keys.text("licence") or "",
        recipe=_recipe(keys),
        layout=cast(Layout, keys.choice("layout", "nchw", "nhwc")),
        colors=cast(Colors, keys.choice("colors", "rgb", "bgr")),
        input=keys.text("input"),
        output=keys.text("output"),
        pooling=cast(Pooling, keys.choice("pooling", "none", "average", "max", "first")),
        distance=distance,
        normalise=normalise,
        same_at=keys.number("same_at", 0.95),
        similar_at=keys.number("similar_at", 0.6),
        batch=keys.whole("batch", 1, 64, default=1),
        text=_text_side(keys),
    )


def _recipe(keys: _Keys) -> Recipe:
    size = keys.size("size")
    resize = keys.whole("resize", 1, 4 * MAX_SIDE, default=max(size))
    if resize < max(size):
        raise InvalidModel(f"the sidecar's 'resize' {resize} is below the size {max(size)}")
    scale = keys.triple("scale", 127.5)
    if 0 in scale:
        raise InvalidModel("the sidecar's 'scale' must not be zero")
    return Recipe(
        size,
        resize,
        mode=cast(Mode, keys.choice("mode", "crop", "squash", "letterbox")),
        filter=cast(Filter, keys.choice("filter", "bicubic", "bilinear", "lanczos", "box")),
        mean=keys.triple("mean", 127.5),
        scale=scale,
        fill=keys.whole("fill", 0, 255, default=255),
    )


def _text_side(keys: _Keys) -> TextSide | None:
    value = keys.take("text", None)
    if value is None:
        return None
    inner = _Keys(value, "text.")
    side = TextSide(
        model=inner.file("model"),
        tokenizer=inner.file("tokenizer"),
        length=inner.whole("length", 1, 4_096),
        input=inner.text("input"),
        mask=inner.text("mask"),
        output=inner.text("output"),
    )
    inner.end()
    return side


_REQUIRED = object()


class _Keys:
    """Takes keys out of an object one by one; every message names the key."""

    def __init__(self, data: object, prefix: str) -> None:
        if not isinstance(data, Mapping):
            what = f"'{prefix[:-1]}'" if prefix else "text"
            raise InvalidModel(f"the sidecar's {what} is not one JSON object")
        self._left = dict(data)
        self._prefix = prefix

    def end(self) -> None:
        """Complain about keys that nobody took."""
        for key in self._left:
            raise InvalidModel(f"the sidecar has an unknown key '{self._prefix}{str(key)[:80]}'")

    def take(self, key: str, default: object) -> Any:
        if key not in self._left and default is _REQUIRED:
            raise InvalidModel(f"the sidecar has no '{self._prefix}{key}'")
        return self._left.pop(key, default)

    def wrong(self, key: str, wish: str) -> InvalidModel:
        return InvalidModel(f"the sidecar's '{self._prefix}{key}' is not {wish}")

    def text(self, key: str) -> str | None:
        value = self.take(key, None)
        if value is None or (isinstance(value, str) and 1 <= len(value) <= 1_000):
            return value
        raise self.wrong(key, "a string of 1 to 1,000 characters")

    def name(self, key: str) -> str:
        value = self.take(key, _REQUIRED)
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value
        raise self.wrong(key, "a name of letters, digits, '.', '_' and '-'")

    def file(self, key: str) -> str:
        value = self.take(key, _REQUIRED)
        plain = isinstance(value, str) and not re.search(r"[\x00-\x1f/\\:]|^\.*$", value)
        if plain and len(value) <= 255:
            return cast(str, value)
        raise self.wrong(key, "the name of a file beside the model")

    def choice(self, key: str, *choices: str) -> str:
        value = self.take(key, choices[0])
        if value in choices:
            return cast(str, value)
        raise self.wrong(key, "one of " + ", ".join(choices))

    def flag(self, key: str, default: bool) -> bool:
        value = self.take(key, default)
        if isinstance(value, bool):
            return value
        raise self.wrong(key, "true or false")

    def whole(self, key: str, low: int, high: int, *, default: object = _REQUIRED) -> int:
        value = self.take(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise self.wrong(key, f"a whole number from {low} to {high}")

    def number(self, key: str, default: float) -> float:
        value = self.take(key, default)
        if _is_number(value):
            return float(value)
        raise self.wrong(key, "a number")

    def triple(self, key: str, default: float) -> Triple:
        value = self.take(key, default)
        values = value if isinstance(value, list) else [value] * 3
        if len(values) == 3 and all(map(_is_number, values)):
            return float(values[0]), float(values[1]), float(values[2])
        raise self.wrong(key, "a number or a list of three")

    def size(self, key: str) -> tuple[int, int]:
        value = self.take(key, _REQUIRED)
        sides = value if isinstance(value, list) else [value, value]
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
        if len(sides) == 2 and whole and min(sides) >= 1 and max(sides) <= MAX_SIDE:
            return sides[0], sides[1]
        raise self.wrong(key, f"one or two whole numbers from 1 to {MAX_SIDE}")


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < 1e9
        and math.isfinite(value)
    )
