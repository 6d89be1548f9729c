"""Features put, created and removed: each durable and searchable when its call returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mitame.api import Collection
from mitame.collection import Attach, Item, ItemImage, Lens, Put, Remove
from mitame.distances import check_vector
from mitame.errors import CollectionBusy, InvalidVector, ItemExists, ItemNotFound
from mitame.serving.gannoy.databases import lens_of

_TRIES = 20
_LARGE, _SMALL = 1e15, 1e-15


def put(collection: Collection, key: int, features: Sequence[float]) -> None:
    """Add an item, or give it another vector; category and attributes of an older one stay.

    Raises:
        InvalidVector: the features are not the lens's; what is there stays as it is.
    """
    lens = lens_of(collection)
    vector = _vector(features, lens)
    for _ in range(_TRIES):  # others may add and remove it meanwhile
        try:
            if _is_there(collection, key):
                collection.store.append([Attach(str(key), None, {lens.name: vector})])
            else:
                collection.store.append([_new(key, lens, vector)])
            return
        except (ItemExists, ItemNotFound):
            continue
    raise CollectionBusy(f"item {key} comes and goes too quickly to be changed")


def create(collection: Collection, key: int, features: Sequence[float]) -> None:
    """Add an item.

    Raises:
        ItemExists: there is one with this key.
        InvalidVector: as `put`.
    """
    lens = lens_of(collection)
    collection.store.append([_new(key, lens, _vector(features, lens))])


def remove(collection: Collection, key: int) -> None:
    """Remove an item.

    Raises:
        ItemNotFound: there is none with this key.
    """
    collection.store.append([Remove(str(key))])


def _is_there(collection: Collection, key: int) -> bool:
    with collection.store.pin() as view:
        return bool(view.keys([str(key)]))


def _new(key: int, lens: Lens, vector: NDArray[np.float32]) -> Put:
    image = ItemImage(vectors={lens.name: vector})
    return Put(Item(str(key), images=(image,)), create_only=True)


def _vector(features: Sequence[float], lens: Lens) -> NDArray[np.float32]:
    """The features as the lens keeps them; a zero vector is one, too.

    gannoy keeps float64. Where only the direction counts, what float32 can't hold is scaled.
    """
    if not features:
        raise InvalidVector("there are no features")
    wide = np.array(features, np.float64)
    if lens.spec.distance == "cosine":
        peak = float(np.abs(wide).max())
        if peak and not _SMALL < peak < _LARGE:
            wide = wide / peak
    return check_vector(wide, lens.spec.dimension)
