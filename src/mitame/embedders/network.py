"""The embedder that every picture network shares: fit, run in chunks, pool, normalise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.preprocess import Recipe, check_prepared, crop_box, fit, normalise, unit
from mitame.embedders.protocol import EmbedderSpec, Patches, Pixels, Vectors
from mitame.errors import InvalidModel
from mitame.native import module

Run: TypeAlias = Callable[[NDArray[np.float32]], NDArray[Any]]


class NetworkEmbedder:
    """A network behind the `Embedder` protocol.

    Args:
        spec: what its vectors mean.
        recipe: how a picture becomes its input.
        run: normalised float32[n, 3, height, width] to float[n, dimension]; safe to call from
            several threads.
        batch_size: most pictures in one call of `run`.

    Raises:
        UsageError: ``MITAME_KERNEL`` asks for a kernel that can't run here.
    """

    def __init__(
        self,
        spec: EmbedderSpec,
        recipe: Recipe,
        run: Run,
        *,
        batch_size: int = 1,
    ) -> None:
        module()  # a kernel that can't run is told now, not once per picture
        self._spec = spec
        self._recipe = recipe
        self.run = run
        self._batch_size = batch_size

    @property
    def spec(self) -> EmbedderSpec:
        """What its vectors mean."""
        return self._spec

    @property
    def decode_side(self) -> int:
        """Shorter side, in pixels, that a decoded picture must at least have to lose nothing."""
        return self._recipe.decode_side

    @property
    def batch_size(self) -> int:
        """Pictures that go through the network at once; `embed` cuts longer sequences up."""
        return self._batch_size

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        """One picture, uint8[height, width, 3] RGB, cut to the network's input size, uint8.

        Raises:
            UsageError: not such a picture.
        """
        return fit(pixels, self._recipe)

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Any number of prepared pictures to float32[n, dimension].

        Raises:
            UsageError: a picture that did not go through `prepare`.
            InvalidModel: the network fails, or gives another shape, NaN or infinity.
        """
        vectors = np.empty((len(prepared), self._spec.dimension), np.float32)
        for start in range(0, len(prepared), self._batch_size):
            chunk = prepared[start : start + self._batch_size]
            vectors[start : start + len(chunk)] = self._features(chunk)
        return unit(vectors) if self._spec.distance == "cosine" else vectors

    def tensor(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Prepared pictures as the network's input, float32[n, 3, height, width]."""
        return normalise(check_prepared(prepared, self._spec.input_size), self._recipe)

    def _features(self, chunk: Sequence[NDArray[Any]]) -> NDArray[Any]:
        features = self.run(self.tensor(chunk))
        if features.shape != (len(chunk), self._spec.dimension):
            raise InvalidModel(
                f"model {self._spec.name} gives shape {features.shape} for {len(chunk)} pictures, "
                f"not ({len(chunk)}, {self._spec.dimension})"
            )
        if not np.isfinite(features).all():
            raise InvalidModel(f"model {self._spec.name} gives NaN or infinity")
        return features


class PatchNetworkEmbedder(NetworkEmbedder):
    """A network of which the features before pooling can be had, too: see `PatchEmbedder`.

    Args:
        spec, recipe, run: as in `NetworkEmbedder`; the recipe cuts the centre out.
        open_patches: gives what makes of normalised float32[n, 3, height, width] the features
            float[n, d, rows, columns]; called once, when they are first asked for.
    """

    def __init__(
        self, spec: EmbedderSpec, recipe: Recipe, run: Run, open_patches: Callable[[], Run]
    ) -> None:
        super().__init__(spec, recipe, run)
        self._open_patches = open_patches
        self._run_patches: Run | None = None
        self._opening = threading.Lock()

    def patches(self, pixels: Pixels) -> Patches:
        """What it sees in each part of a picture, uint8[height, width, 3] RGB.

        Raises:
            UsageError: not such a picture.
            InvalidModel: the network fails.
        """
        prepared = self.prepare(pixels)
        with self._opening:
            if self._run_patches is None:
                self._run_patches = self._open_patches()
        features = self._run_patches(self.tensor([prepared]))[0].transpose(1, 2, 0)
        height, width = pixels.shape[:2]
        left, top, right, bottom = crop_box(width, height, self._recipe)
        box = left / width, top / height, right / width, bottom / height
        return Patches(np.ascontiguousarray(features, np.float32), box)
