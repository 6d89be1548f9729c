"""A collection that is followed, with what helps to answer about it at once: texts and lists."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mitame.collection import View
from mitame.collection.asked import Asked
from mitame.collection.base import Base
from mitame.collection.following import Following
from mitame.collection.neighbor_table import NONE
from mitame.collection.new_rows import NewRows
from mitame.collection.sketches import Sketcher
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import CorruptCollection, MitameError
from mitame.serving.product.pace import Pace
from mitame.serving.product.similar_body import Shown, shown
from mitame.serving.product.similar_question import Found, Question

MOST_TEXTS = 200_000
"""Items whose texts are kept; past it all are read again."""
MOST_DELTA = 4_096
"""Rows of the delta that are gone over when following begins."""
_MORE = 16
"""Neighbours of a list that are looked at beyond those wanted, before all are."""


@dataclass(frozen=True)
class Lists:
    """The lists of a lens in the snapshot that is served.

    Attributes:
        name: of the lens.
        base: its rows.
        spec: of the lens.
        generation: of the snapshot.
        position: of the snapshot.
        default: it is the collection's first lens.
        single: no item has two rows in it.
    """

    name: str
    base: Base
    spec: EmbedderSpec
    generation: int
    position: int
    default: bool
    single: bool


def lists_of(view: View, lens: str) -> Lists:
    """Those of a view's generation."""
    base = view.lens_rows(lens).base
    _ = base.neighbors  # opened here, on a thread
    first = next(iter(view.lenses)) == lens
    spec = view.lenses[lens].spec
    return Lists(lens, base, spec, view.generation, view.served.position, first, base.is_single)


class Followed:
    """Answers about one collection from what is known. For the event loop's thread.

    Args:
        collection: its name.
        following: of it.
    """

    def __init__(self, collection: str, following: Following) -> None:
        self.collection = collection
        self.following = following
        self._texts: dict[int, tuple[Shown, int]] = {}
        self._lists: dict[str | None, tuple[Lists, NewRows, Pace]] = {}
        self._epoch = following.epoch

    def offer(self, lists: Lists, sketcher: Sketcher, epoch: int) -> None:
        """Use the lists of a lens from now on, where they fit what is followed."""
        following = self.following
        if epoch != following.epoch or following.rows_of(lists.name) is not None:
            return
        following.follow_lens(lists.name, sketcher, lists.base.log_rows, MOST_DELTA)
        rows = following.rows_of(lists.name)
        follows_all = rows is not None and rows.first == lists.base.log_rows
        if not follows_all or not following.begin_at(lists.position):
            return
        assert rows is not None
        self.at_epoch()
        self._lists[lists.name] = held = lists, rows, Pace()
        if lists.default:
            self._lists[None] = held

    def lists(self, lens: str | None) -> tuple[Lists, NewRows, Pace] | None:
        """What is followed of a lens, the first one where None; and how long searches of it take.

        None where it is not followed.
        """
        self.at_epoch()
        return self._lists.get(lens)

    def find(self, question: Question) -> Found | None:
        """The answer by the neighbour table.

        Returns:
            None where only a search knows, or the item or the lens is not known.
        """
        held = self.lists(question.lens)
        if held is None or not question.is_plain:
            return None
        try:
            return self._find(question, *held[:2])
        except CorruptCollection:
            return None

    def key_of(self, item_id: str) -> int | None:
        """As `Following.key_of`; None, too, where the database can't be read."""
        try:
            return self.following.key_of(item_id)
        except sqlite3.Error:
            return None

    def _find(self, question: Question, lists: Lists, rows: NewRows) -> Found | None:
        following, table = self.following, lists.base.neighbors
        position, key = following.position, self.key_of(question.id)
        if table is None or key is None or key in following.moved:
            return None
        place = table.table.place(key)
        if place == NONE:
            return None
        pairs = _listed(lists, place, following.moved, question.wanted)
        if pairs is None:
            return None
        places = table.items.rows(place)
        asked = Asked.stored(lists.base, places)
        pairs = _joined(pairs, _entering(rows, asked, pairs[-1][1]), key)
        told = self.told(pairs, question.wanted)
        if told is None:
            return None
        kept, page = told
        return Found(
            lists.name,
            table.table.facts.exact,
            lists.generation,
            position,
            None,
            kept,
            page[: question.limit],
            key,
            lists.spec,
            asked,
            rows.end,
        )

    def told(
        self, pairs: Sequence[tuple[int, float]], most: int
    ) -> tuple[list[tuple[int, float]], list[tuple[Shown, float]]] | None:
        """Keys with distances in the order in which they are told, at most so many; and texts.

        Returns:
            None where one of them is gone, something was written meanwhile, or it can't be read:
            whoever asks the collection itself is told why.
        """
        known = self.texts([key for key, _ in pairs])
        return None if known is None else told_of(known, pairs, most)

    def texts(self, keys: Iterable[int]) -> Mapping[int, Shown] | None:
        """What is told of items, all of them; None as for `told`."""
        self.at_epoch()
        texts, changed = self._texts, self.following.changed
        known: dict[int, Shown] = {}
        missing: list[int] = []
        for key in keys:
            held = texts.get(key)
            if held is None or changed.get(key, 0) > held[1]:
                missing.append(key)
            else:
                known[key] = held[0]
        if missing and not self._read(missing, known):
            return None
        return known

    def _read(self, keys: Sequence[int], known: dict[int, Shown]) -> bool:
        position = self.following.position
        try:
            found = self.following.items(keys)
            if len(found) != len(keys) or self.following.look() != position:
                return False
        except (MitameError, OSError, sqlite3.Error):
            return False
        if len(self._texts) > MOST_TEXTS:
            self._texts.clear()
        for key, item_id, category, text in found:
            known[key] = shown(self.collection, item_id, category, json.loads(text))
            self._texts[key] = known[key], position
        return True

    def at_epoch(self) -> None:
        """Let go of what belongs to an epoch that has ended, its generation's files too."""
        if self._epoch != self.following.epoch:
            self._epoch = self.following.epoch
            self._texts.clear()
            self._lists.clear()


def told_of(
    known: Mapping[int, Shown], pairs: Sequence[tuple[int, float]], most: int
) -> tuple[list[tuple[int, float]], list[tuple[Shown, float]]]:
    """As `Followed.told`, of items whose texts are known."""
    ordered = sorted([(away, known[key].id, key) for key, away in pairs])[:most]
    kept = [(key, away) for away, _, key in ordered]
    return kept, [(known[key], away) for key, away in kept]


def _listed(
    lists: Lists, place: int, moved: Mapping[int, int], wanted: int
) -> list[tuple[int, float]] | None:
    """The nearest of a list that have not moved, at least so many, with all at the last distance.

    None where the list does not say.
    """
    table = lists.base.neighbors
    assert table is not None
    for most in (wanted + _MORE, table.table.k):  # seldom is more needed
        rows, distances, last = table.table.first(place, most)
        owners = table.owners[rows].tolist()
        pairs: list[tuple[int, float]] = []
        for row, owner, distance in zip(rows, owners, distances, strict=True):
            if row == NONE or (len(pairs) >= wanted and distance > pairs[-1][1]):
                break
            if owner not in moved:
                pairs.append((owner, distance))
        else:
            if most < table.table.k:
                continue  # what comes next may be as near
        is_sure = len(pairs) >= wanted and pairs[-1][1] < last
        return pairs if is_sure else None
    return None


def _entering(rows: NewRows, asked: Asked, away: float) -> Mapping[int, float]:
    """Items that new rows bring as near as that, with their distances."""
    if rows.first == rows.end:
        return {}
    bound = rows.sketcher.least(asked.lengths, away, rows.longest)
    places = rows.candidates(asked.sketch(rows.sketcher), bound, 0)
    return rows.nearest(asked, places, bound, away)


def _joined(
    pairs: list[tuple[int, float]], entering: Mapping[int, float], own: int
) -> list[tuple[int, float]]:
    return [*pairs, *((key, away) for key, away in entering.items() if key != own)]
