"""Leave-one-out by category: do an item's neighbours have its category?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from mitame.collection import View
from mitame.errors import NoCategories, UsageError
from mitame.search import similar

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class CategoryScores:
    """Means over the items asked.

    Attributes:
        items: how many items were asked: those with a category and a vector.
        k: how many neighbours each was asked for, itself left out.
        share: of the neighbours that were answered (fewer than k where the collection has no
            more), the share with the item's own category, 0 to 1.
        first: share of items whose nearest neighbour has their category (R@1), 0 to 1.
        found: share of items with their category at least once among the first k (R@k).
        chance: the share that a random answer would reach.
    """

    lens: str
    items: int
    k: int
    share: float
    first: float
    found: float
    chance: float

    def to_json(self) -> dict[str, float | int | str]:
        """The scores, rounded to four digits."""
        rows = asdict(self).items()
        return {key: round(v, 4) if isinstance(v, float) else v for key, v in rows}


def category_scores(
    view: View,
    lens: str,
    *,
    k: int = 10,
    sample: int | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> CategoryScores:
    """Ask every item (or a seeded sample) for its neighbours and compare categories.

    Args:
        view: the moment to measure.
        lens: which way of being alike.
        k: neighbours per item.
        sample: at most this many items; all when None.
        seed: of the sample.
        on_step: called with items done and items to do.

    Raises:
        NoCategories: the items have fewer than two categories.
        UsageError: no item has neighbours in the lens, or a value is out of range.
        UnknownLens: there is no such lens.
    """
    if sample is not None and (not isinstance(sample, int) or sample < 1):
        raise UsageError(f"a sample of {sample!r} items", remedy="ask at least one")
    check_categories(view)
    rows = view.select("SELECT id, category FROM items WHERE category IS NOT NULL")
    labels: dict[str, str] = dict(rows)
    asked = _sampled(sorted(labels), sample, seed)
    hits: list[list[bool]] = []
    for number, item in enumerate(asked, 1):
        answer = similar(view, item, lens=lens, limit=k)
        if answer.neighbors:
            hits.append([labels.get(each.id) == labels[item] for each in answer.neighbors])
        if on_step is not None:
            on_step(number, len(asked))
    if not hits:
        raise UsageError(
            f"no item has neighbours in the lens {lens!r}",
            remedy=f"go on with: mitame lens add {lens} EMBEDDER",
        )
    return _scores(lens, k, hits, labels)


def check_categories(view: View) -> None:
    """Nothing where the items have two categories or more.

    Raises:
        NoCategories: they don't, so that there is nothing to compare.
    """
    if len(view.select("SELECT DISTINCT category FROM items WHERE category NOT NULL LIMIT 2")) < 2:
        raise NoCategories("the collection's items have fewer than two categories")


def _sampled(ids: list[str], sample: int | None, seed: int) -> list[str]:
    if sample is None or sample >= len(ids):
        return ids
    chosen = np.random.default_rng(seed).choice(len(ids), sample, replace=False)
    return [ids[row] for row in np.sort(chosen)]


def _scores(
    lens: str, k: int, hits: Sequence[Sequence[bool]], labels: dict[str, str]
) -> CategoryScores:
    """From the neighbours of each item asked, nearest first: have they its category?"""
    _, counts = np.unique(list(labels.values()), return_counts=True)
    total = len(labels)
    return CategoryScores(
        lens=lens,
        items=len(hits),
        k=k,
        share=sum(map(sum, hits)) / sum(map(len, hits)),
        first=sum(each[0] for each in hits) / len(hits),
        found=sum(map(any, hits)) / len(hits),
        chance=float((counts * (counts - 1)).sum() / (total * (total - 1))),
    )
