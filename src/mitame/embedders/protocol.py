"""What an embedder is: pixels in, one vector out, and a spec that says exactly how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class EmbedderSpec:
    """Everything that decides what a vector means; stored with every vector.

    Two vectors may be compared only when their specs have the same `fingerprint`.

    Attributes:
        name: catalogue name, e.g. ``efficientnet-lite0``.
        weights: SHA-256 of the weights in hex; ``""`` for a model-free embedder.
        input_size: width and height of the network's input, in pixels.
        preprocessing: the recipe in words and numbers, e.g. resize, crop, mean, scale.
        dimension: floats per vector.
        distance: how two vectors are compared; vectors are L2-normalised for ``cosine``.
        licence: SPDX name of the weights' licence (not part of the fingerprint).
        same_at: score from which two pictures are called the same (not in the fingerprint).
        similar_at: score from which they are called similar; below it: weak.
        opened_by: what the catalogue opens it by, where that is not its name:
            ``onnx:/models/clip.onnx`` (not in the fingerprint: a file may move).
    """

    name: str
    weights: str
    input_size: tuple[int, int]
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    dimension: int = 0
    distance: Distance = "cosine"
    licence: str = ""
    same_at: float = 0.95
    similar_at: float = 0.6
    opened_by: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the fields that decide what a vector means, in hex."""
        meaning = [self.name, self.weights, list(self.input_size), dict(self.preprocessing)]
        text = json.dumps([*meaning, self.dimension, self.distance], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        """The spec as one JSON object."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> EmbedderSpec:
        """The spec that `to_json` wrote; unknown keys of later versions are left out."""
        known = {k: v for k, v in json.loads(text).items() if k in cls.__dataclass_fields__}
        known["input_size"] = tuple(known["input_size"])
        return cls(**known)


@runtime_checkable
class Embedder(Protocol):
    """Turns pictures into vectors. Safe to call from several threads at once.

    Work is in two steps, so that a pipeline can prepare on the decoding threads:
    ``embed([prepare(pixels), ...])``. The result does not depend on how pictures are
    batched, beyond 1e-5.
    """

    @property
    def spec(self) -> EmbedderSpec:
        """What this embedder's vectors mean."""
        ...

    @property
    def decode_side(self) -> int:
        """Shorter side, in pixels, that a decoded picture must at least have to lose nothing."""
        ...

    @property
    def batch_size(self) -> int:
        """Pictures per call of `embed` that are quickest on this machine."""
        ...

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        """One picture, uint8[height, width, 3] RGB, as the input of `embed`."""
        ...

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Prepared pictures to float32[len(prepared), dimension]; normalised for cosine."""
        ...


@dataclass(frozen=True)
class Patches:
    """What an embedder sees in each part of a picture.

    Attributes:
        features: float32[rows, columns, d]; their mean, normalised, is the picture's vector.
        box: the part of the picture that they cover: left, top, right, bottom, 0 to 1.
    """

    features: Vectors
    box: tuple[float, float, float, float]


@runtime_checkable
class PatchEmbedder(Protocol):
    """An embedder that can tell where in a picture it sees what. Safe from several threads."""

    def patches(self, pixels: Pixels) -> Patches:
        """Of one picture, uint8[height, width, 3] RGB."""
        ...


@runtime_checkable
class TextEmbedder(Protocol):
    """The text side of an embedder with two towers; same space as its pictures."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Texts to float32[len(texts), dimension]."""
        ...
