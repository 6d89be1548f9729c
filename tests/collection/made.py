"""Small collections and items for the tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mitame.collection import Attribute, Item, ItemImage, Lens, Put
from mitame.distances import Distance
from mitame.embedders.protocol import EmbedderSpec


def spec(dimension: int = 4, distance: Distance = "cosine", name: str = "made") -> EmbedderSpec:
    """An embedder's spec for vectors that the tests make up."""
    return EmbedderSpec(
        name, "", (8, 8), {}, dimension, distance, "Apache-2.0", same_at=0.99, similar_at=0.8
    )


LOOK = Lens("look", spec())
COLOR = Lens("color", spec(3, "euclidean", "made-color"))


def vector(*numbers: float) -> NDArray[np.float32]:
    """Float32 of the numbers."""
    return np.array(numbers, np.float32)


def noise(seed: int, dimension: int = 4) -> NDArray[np.float32]:
    """A vector of unit length, different for each seed."""
    drawn = np.random.default_rng(seed).normal(size=dimension)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def image(seed: int, *, lens: str = "look", dimension: int = 4) -> ItemImage:
    """An image whose every field follows from the seed."""
    return ItemImage(
        {lens: noise(seed, dimension)},
        content_hash=f"{seed:064x}",
        source=f"/pictures/{seed}.jpg",
        size=seed,
        modified_ns=seed * 10**9,
        width=64,
        height=48,
        format="JPEG",
    )


def put(
    item_id: str,
    *images: ItemImage,
    category: str | None = None,
    attributes: Mapping[str, Attribute] | None = None,
    create_only: bool = False,
) -> Put:
    """A put of an item; with no image given, one that follows from the id."""
    seed = sum(item_id.encode())
    return Put(Item(item_id, category, attributes or {}, images or (image(seed),)), create_only)
