"""The shipped suite catches what it claims to: each broken embedder fails the test named for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.embedders.color import ColorEmbedder
from mitame.embedders.protocol import Embedder, EmbedderSpec, Pixels, Vectors
from mitame.testing.embedders import EmbedderConformance


class WritesIntoPrepared(ColorEmbedder):
    """`embed` changes its input."""

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        vectors = super().embed(prepared)
        for picture in prepared:
            picture[0, 0] = 0
        return vectors


class WritesIntoPicture(ColorEmbedder):
    """`prepare` changes its input."""

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        prepared = super().prepare(pixels)
        if pixels.flags.writeable:
            pixels[0, 0] ^= 1
        return prepared


class DependsOnTheBatch(ColorEmbedder):
    """A vector leaks into the next one."""

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        vectors = super().embed(prepared)
        vectors[1:] = vectors[1:] * 0.999 + vectors[:-1] * 0.001
        return vectors


class ForgetsTheLength(ColorEmbedder):
    """Vectors of length 2."""

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        return super().embed(prepared) * np.float32(2)


class Doubles(ColorEmbedder):
    """float64."""

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        doubles: Any = super().embed(prepared).astype(np.float64)
        return doubles  # type: ignore[no-any-return]  # the mistake under test


class Blind(ColorEmbedder):
    """One vector for all."""

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        return np.full((len(prepared), 176), 176**-0.5, np.float32)


class Remembers(ColorEmbedder):
    """Every call adds something."""

    def __init__(self) -> None:
        self.calls = 0

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        self.calls += 1
        vectors = super().embed(prepared)
        vectors[:, 0] += np.float32(self.calls * 1e-3)
        return vectors


class TakesAnything(ColorEmbedder):
    """Grey pictures pass."""

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        return np.zeros((32, 32, 3), np.uint8) if pixels.ndim != 3 else super().prepare(pixels)


class FailsOnNothing(ColorEmbedder):
    """No answer to an empty batch."""

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        return np.stack([super(FailsOnNothing, self).embed([one])[0] for one in prepared])


class ForgetsItsRecipe(ColorEmbedder):
    """A tuple, which JSON gives back as a list."""

    @property
    def spec(self) -> EmbedderSpec:
        return replace(super().spec, preprocessing={"sides": (3, 4)})


BROKEN: dict[type[ColorEmbedder], str] = {
    WritesIntoPrepared: "test_input_is_not_changed",
    WritesIntoPicture: "test_input_is_not_changed",
    DependsOnTheBatch: "test_batches_do_not_matter",
    ForgetsTheLength: "test_length_is_one",
    Doubles: "test_shape_and_type",
    Blind: "test_pictures_differ",
    Remembers: "test_is_deterministic",
    TakesAnything: "test_what_is_no_picture_is_refused",
    FailsOnNothing: "test_no_pictures",
    ForgetsItsRecipe: "test_spec_survives_json",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_catches(broken: type[ColorEmbedder]) -> None:
    """The test fails for the broken embedder, and passes for the sound one."""

    class Suite(EmbedderConformance):
        def __init__(self, embedder: Embedder) -> None:
            self._embedder = embedder

        def embedder(self) -> Embedder:
            return self._embedder

    getattr(Suite(ColorEmbedder()), BROKEN[broken])()
    with pytest.raises((AssertionError, ValueError)):
        getattr(Suite(broken()), BROKEN[broken])()
