"""What is nearest to vectors, on the event loop: the snapshot's rows and what was written since.

The served snapshot is searched by the engine that was chosen, items that have moved since are left
out, and new vectors that come as near are let in (`mitame.collection.following`). Several
questions are searched together: most of what one costs beside its search is Python's, and the
search itself uses more cores than one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.asked import Asked
from mitame.collection.new_rows import NewRows
from mitame.distances import normalise, norms
from mitame.errors import MitameError
from mitame.neighbors import PADDING
from mitame.serving.product.followed import Followed, Lists, told_of
from mitame.serving.product.pace import Pace, Stopwatch
from mitame.serving.product.similar_body import Shown
from mitame.timing import step

SPARE = 1
"""Rows asked for beyond the limit, to be sure that there is no tie: each makes a search longer."""
MORE = 16
"""The same where there is one, an item has moved, or items have several images."""

_Pairs: TypeAlias = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Near:
    """What is nearest to one vector.

    Attributes:
        pairs: keys and distances, nearest first, ties by id.
        told: the same, as it is told.
    """

    pairs: Sequence[tuple[int, float]]
    told: Sequence[tuple[Shown, float]]


def nearest(
    followed: Followed,
    held: tuple[Lists, NewRows, Pace],
    questions: NDArray[np.float32],
    wanted: int,
    own: int | None = None,
) -> Sequence[Near | None]:
    """The nearest items to each of float32[n, dimension], but for one's own key.

    None where that is not sure, or something can't be read: the library has words for it.
    """
    lists, rows, pace = held
    watch = Stopwatch()
    found: list[Near | None] = [None] * len(questions)
    with suppress(MitameError):
        near = _in_snapshot(lists, followed.following.moved, questions, wanted)
        if rows.first != rows.end and near:
            with step("delta"):
                _let_in(near, rows, questions, wanted, own)
        with step("hydrate"):
            _tell(followed, near, wanted, found)
    working, waiting = watch.read()
    pace.took(working / len(questions), waiting / len(questions))
    return found


def _tell(
    followed: Followed, near: Mapping[int, _Pairs], wanted: int, found: list[Near | None]
) -> None:
    """Put what is told into its places, where everything is known as it is at this position."""
    following = followed.following
    position, epoch = following.position, following.epoch
    known = followed.texts({key for pairs in near.values() for key, _ in pairs})
    for number, pairs in near.items():
        # One item that can't be told of must not keep other questions from being answered.
        told = followed.told(pairs, wanted) if known is None else told_of(known, pairs, wanted)
        if (following.position, following.epoch) != (position, epoch):
            return  # somebody has written: what was found is of a moment that has passed
        found[number] = None if told is None else Near(*told)


def _in_snapshot(
    lists: Lists, moved: Mapping[int, int], questions: NDArray[np.float32], wanted: int
) -> dict[int, _Pairs]:
    """Those of the snapshot that have not moved, by the question's number, where they are sure.

    As many as are wanted, and all at the last one's distance.
    """
    near: dict[int, _Pairs] = {}
    left = [*range(len(questions))]
    for spare in (SPARE, MORE) if lists.single else (MORE,):
        asked = questions if len(left) == len(questions) else questions[left]
        for number, pairs in zip(left, _searched(lists, moved, asked, wanted, spare), strict=True):
            if pairs is not None:
                near[number] = pairs
        left = [number for number in left if number not in near]
        if not left:
            break
    return near


def _searched(
    lists: Lists, moved: Mapping[int, int], questions: NDArray[np.float32], wanted: int, spare: int
) -> Iterable[_Pairs | None]:
    """For each question the nearest; None where a search for more rows is needed to be sure."""
    base, is_single = lists.base, lists.single
    rows = min(base.count, wanted + spare)
    with step("engine"):
        found = base.index.search(questions, rows)
    distances, owners = found.distances.tolist(), base.owners[found.ids].tolist()
    filled = (found.ids[:, -1] != PADDING).tolist()
    for away, keys, is_filled in zip(distances, owners, filled, strict=True):
        if not is_filled:
            yield None
            continue
        pairs = [pair for pair in zip(keys, away, strict=True) if pair[0] not in moved]
        end_of_search = math.inf if rows == base.count else away[-1]
        yield _sure(pairs if is_single else _once(pairs), wanted, end_of_search)


def _once(pairs: _Pairs) -> _Pairs:
    """Each item once, as near as the nearest of its rows."""
    least: dict[int, float] = {}
    for key, distance in pairs:
        least.setdefault(key, distance)
    return [*least.items()]


def _sure(pairs: _Pairs, wanted: int, end_of_search: float) -> _Pairs | None:
    """As many as are wanted, and ties; None where rows as near may lie beyond the search's end."""
    if len(pairs) < wanted or pairs[wanted - 1][1] >= end_of_search:
        return None
    bound = pairs[wanted - 1][1]
    end = wanted
    while end < len(pairs) and pairs[end][1] <= bound:
        end += 1
    return pairs[:end]


def _let_in(
    near: Mapping[int, _Pairs],
    rows: NewRows,
    questions: NDArray[np.float32],
    wanted: int,
    own: int | None,
) -> None:
    """Add items that new rows bring as near as the last one wanted, with their distances."""
    sketcher, numbers = rows.sketcher, sorted(near)
    asked = questions[numbers]
    # Sketches bound products of unit vectors; distances are of the question as it was sent.
    unit = normalise(asked) if sketcher.distance == "cosine" else asked
    lengths = norms(unit).tolist()
    last = [near[number][wanted - 1][1] for number in numbers]
    bounds = [
        sketcher.least((length, length), away, rows.longest)
        for length, away in zip(lengths, last, strict=True)
    ]
    found = rows.candidates_of_each(sketcher.question(unit), bounds)
    for index, places in enumerate(found):
        near_places = rows.sifted(unit[index : index + 1], places, bounds[index])
        if near_places:
            number, away = numbers[index], last[index]
            question = Asked.held(questions[number : number + 1])
            entering = rows.nearest(question, near_places, -np.inf, away)
            near[number].extend(pair for pair in entering.items() if pair[0] != own)
