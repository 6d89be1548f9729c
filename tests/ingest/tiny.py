"""A tiny embedder and tiny pictures, so that the pipeline is tested without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitame.embedders.protocol import EmbedderSpec, Pixels, Vectors


class TinyEmbedder:
    """Mean colour and its spread, as six floats; counts what it was asked."""

    spec = EmbedderSpec(name="tiny", weights="", input_size=(8, 8), dimension=6)
    decode_side = 8

    def __init__(self, batch_size: int = 1) -> None:
        self.batch_size = batch_size
        self.batches: list[int] = []

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        flat = pixels.reshape(-1, 3).astype(np.float32) / 255
        return np.concatenate([flat.mean(axis=0) + 0.01, flat.std(axis=0)])

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        self.batches.append(len(prepared))
        stacked = np.stack(prepared).astype(np.float32)
        return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True), np.float32)


def paint(path: Path, seed: int) -> Path:
    """Write a small picture that depends on the seed only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = tuple(int(x) for x in np.random.default_rng(seed).integers(0, 256, 3))
    Image.new("RGB", (12, 10), colour).save(path)
    return path
