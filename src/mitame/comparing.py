"""Two items beside each other, or an item and a picture: how far apart, and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection import View
from mitame.distances import Distance, exact, score
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import ItemNotFound
from mitame.search import Answer, MatchWord, Query, match_word, search, similar

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Apart:
    """How far two are apart in a lens.

    Attributes:
        lens: its name.
        distance, score, match: as of a neighbour; of the nearest two of their images.
        images: which those are, from 0.
    """

    lens: str
    distance: float
    score: float
    match: MatchWord
    images: tuple[int, int]


@dataclass(frozen=True)
class Compared:
    """What is known of two.

    Attributes:
        apart: by lens, those in which both have a vector.
        rank: the other's place among the item's neighbours, from 1; None where it is none of them
            or a picture.
        common: ids that are among the neighbours of both, nearest to the item first.
    """

    apart: tuple[Apart, ...]
    rank: int | None
    common: tuple[str, ...]


def compare(
    view: View, item: str, other: str | Mapping[str, Floats], lens: str, limit: int
) -> Compared:
    """Compare an item.

    Args:
        view: the moment.
        item: its id.
        other: another's, or a picture's vectors, float32[dimension] by lens.
        lens: in which neighbours are looked for.
        limit: how many of each.

    Raises:
        ItemNotFound: one of the items is not there.
        UnknownLens: no such lens.
    """
    for name in {item, other} if isinstance(other, str) else {item}:
        if view.tag(name) is None:
            raise ItemNotFound(f"no item {name[:200]!r}")
    apart = []
    for name, each in view.lenses.items():
        found = _apart(name, each.spec, view.vectors(item, name), _vectors(view, name, other))
        apart += [] if found is None else [found]
    own, theirs = similar(view, item, lens=lens, limit=limit), _near(view, other, lens, limit)
    ids = [each.id for each in own.neighbors]
    rank = ids.index(other) + 1 if isinstance(other, str) and other in ids else None
    shared = {each.id for each in theirs.neighbors} if theirs is not None else set()
    return Compared(tuple(apart), rank, tuple(each for each in ids if each in shared))


def _vectors(view: View, lens: str, other: str | Mapping[str, Floats]) -> Floats:
    if isinstance(other, str):
        return view.vectors(other, lens)
    found = other.get(lens)
    return np.empty((0, 0), np.float32) if found is None else found[np.newaxis]


def _near(view: View, other: str | Mapping[str, Floats], lens: str, limit: int) -> Answer | None:
    if isinstance(other, str):
        return similar(view, other, lens=lens, limit=limit)
    vectors = _vectors(view, lens, other)
    return search(view, Query(lens, vectors, limit)) if len(vectors) else None


def _apart(lens: str, spec: EmbedderSpec, own: Floats, theirs: Floats) -> Apart | None:
    if not len(own) or not len(theirs):
        return None
    metric: Distance = spec.distance
    away = np.stack([exact(each, theirs, metric) for each in own])
    first, second = np.unravel_index(int(away.argmin()), away.shape)
    distance = float(away[first, second])
    value = score(distance, metric)
    return Apart(lens, distance, value, match_word(value, spec), (int(first), int(second)))
