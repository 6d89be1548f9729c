"""An answer that is kept: brought forward over what has changed, or given up.

It holds the nearest items up to a distance, more than are told. Items that go are left out, new
vectors that are near enough are let in, and while as many are left as are told, the answer is
right (Yi, Yu, Yang, Xia and Chen 2003, Efficient maintenance of materialized top-k views).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from mitame.collection.asked import Gone
from mitame.collection.following import Following
from mitame.collection.sketches import Sketcher
from mitame.feedback.question import MAX_ANSWER, AskedQuestion
from mitame.serving.product.followed import Followed
from mitame.serving.product.query_ids import about_item
from mitame.serving.product.similar_body import Facts, Parts, Shown, parts
from mitame.serving.product.similar_question import Cursor, Found, Question

_MOST = 4
"""Times as many neighbours as were found at first may be held."""
_OVERHEAD = 700
"""Bytes of an answer's objects."""


class Kept:
    """One question's answer.

    Attributes:
        about: what query ids say was asked; the router's affair where a plain question is not all.
        parts: of the body that is right at `position`.
        position: of the journal.
        epoch: of the following.

    Args:
        question: what was asked.
        found: what the collection said.
        epoch: of the following, before the collection was asked.
        sketcher: tells new vectors that are near from those that are far; None where none can:
            then every change ends it.
    """

    __slots__ = (
        "_asked",
        "_away",
        "_bound",
        "_distances",
        "_facts",
        "_is_plain",
        "_key",
        "_keys",
        "_longest",
        "_question",
        "_rows",
        "_sketcher",
        "_spec",
        "about",
        "epoch",
        "parts",
        "position",
    )

    def __init__(
        self,
        question: Question,
        found: Found,
        epoch: int,
        sketcher: Sketcher | None,
    ) -> None:
        self.epoch, self.position = epoch, found.position
        self._question, self._spec, self._is_plain = question, found.spec, question.is_plain
        self.about = about_item(found.key, found.spec.fingerprint) if self._is_plain else ""
        count = len(found.pairs)
        is_complete = count >= question.limit
        self._facts = Facts(
            found.generation,
            found.lens,
            found.exact,
            is_complete,
            None if is_complete else found.reason,
        )
        self._key, self._rows, self._asked = found.key, found.log_rows, found.asked
        self._sketcher = sketcher if count >= question.wanted else None
        self._hold(found.pairs)
        self._bound, self._longest = 0.0, -1.0  # a length that no row has
        self._tell(found.shown)

    def named(self, query_id: str) -> str:
        """A query id that says what was asked, too."""
        if not self._is_plain:
            return self.about + query_id
        return f"{query_id}{self.about}{self.position:x}"

    def asked(self) -> AskedQuestion:
        """The question and its answer, as they are remembered."""
        where = self._question.where
        return AskedQuestion(
            "id",
            self._facts.lens,
            self._spec.fingerprint,
            self.position,
            [self._question.id],
            self.parts.told()[:MAX_ANSWER],
            None if where is None else where.to_json(),
        )

    @property
    def lens(self) -> str:
        """The one that was searched."""
        return self._facts.lens

    @property
    def vector(self) -> NDArray[np.float32] | None:
        """Of the item, float32[dimension], where it has one, and that is not in the snapshot."""
        if not self._asked.is_held or len(self._asked.vectors) != 1:
            return None
        vector: NDArray[np.float32] = self._asked.vectors[0]
        return vector

    @property
    def bytes(self) -> int:
        """Of memory, about."""
        own = len(self.parts.middle) + len(self.parts.cursor or b"") + 32 * len(self._keys)
        sketch = 0 if self._sketcher is None else 4 * self._sketcher.size * len(self._asked)
        return own + sketch + self._asked.bytes + _OVERHEAD

    def is_right(self, followed: Followed) -> bool:
        """Whether it is the answer at the position of what is followed, or could be made so."""
        following = followed.following
        if self.epoch != following.epoch:
            return False
        if self.position == following.position:
            return True
        return self._brought_forward(followed)

    def _brought_forward(self, followed: Followed) -> bool:
        following, since = followed.following, self.position
        changed, is_plain = following.changed, self._is_plain
        if since < following.began or changed.get(self._key, 0) > since or self._sketcher is None:
            return False
        entering = self._entering(following)
        if entering is None or (not is_plain and (entering or following.patched > since)):
            return False
        if (entering or self._is_touched(changed, since)) and not self._changed(
            followed, since, entering
        ):
            return False
        self.position = following.position
        return True

    def _is_touched(self, changed: Mapping[int, int], since: int) -> bool:
        if changed.keys().isdisjoint(self._keys):
            return False
        return any(changed.get(key, 0) > since for key in self._keys)

    def _entering(self, following: Following) -> Mapping[int, float] | None:
        """Items that new vectors bring near, with their distances; None where nobody can tell."""
        rows = following.rows_of(self._facts.lens)
        if rows is None or self._rows < rows.first or self._sketcher is None:
            return None
        if self._rows == rows.end:
            return {}
        try:
            if self._longest != rows.longest:
                self._longest = rows.longest
                self._bound = rows.sketcher.least(self._asked.lengths, self._away, rows.longest)
            sketch = self._asked.sketch(self._sketcher)
            places = rows.candidates(sketch, self._bound, self._rows - rows.first)
            self._rows = rows.end
            near = rows.nearest(self._asked, places, self._bound, self._away)
        except Gone:  # another generation is served since a moment ago
            return None
        near.pop(self._key, None)
        return near

    def _changed(self, followed: Followed, since: int, entering: Mapping[int, float]) -> bool:
        """Let in, leave out, and tell anew; False where too few are left."""
        moved = followed.following.moved
        held = zip(self._keys, self._distances, strict=True)
        left = {key: away for key, away in held if moved.get(key, 0) <= since}
        left.update(entering)
        limit, wanted = self._question.limit, self._question.wanted
        if len(left) > _MOST * wanted or len(left) <= limit < wanted:
            return False
        near = sorted(left.items(), key=itemgetter(1))
        if self._is_told_still(followed.following.changed, since, entering):
            self._hold(near, self._away)
            return True
        # Of those at just this distance some may not be held, whose ids come before the last's.
        last = near[limit - 1][1] if len(near) >= limit else np.inf
        if last >= self._away:
            return False
        first = [pair for pair in near if pair[1] <= last]  # what comes behind needs no order
        told = followed.told(first, len(first))
        if told is None:
            return False
        self._hold([*told[0], *near[len(first) :]], self._away)
        self._tell(told[1][:limit])
        return True

    def _is_told_still(
        self, changed: Mapping[int, int], since: int, entering: Mapping[int, float]
    ) -> bool:
        """Whether all that has changed comes after those that are told; half the time it does."""
        limit = self._question.limit
        if any(changed.get(key, 0) > since for key in self._keys[:limit]):
            return False
        return min(entering.values(), default=np.inf) > self._distances[limit - 1]

    def _hold(self, pairs: Sequence[tuple[int, float]], away: float | None = None) -> None:
        """Hold these; what is farther than `away`, the last one where None, is not known."""
        self._keys = array("q", (key for key, _ in pairs))
        self._distances = array("d", (distance for _, distance in pairs))
        self._away = max(self._distances, default=0.0) if away is None else away

    def _tell(self, shown: Sequence[tuple[Shown, float]]) -> None:
        ending = None
        if len(self._keys) > len(shown):
            item, away = shown[-1]
            ending = Cursor(self.position, len(shown), away, item.id).ending(self._question)
        self.parts: Parts = parts(self._facts, self._spec, shown, ending)


def fitting(sketcher: Sketcher, found: Found) -> Sketcher | None:
    """The sketcher, where it can compare new vectors with what was asked."""
    can = len(found.asked) and found.spec.dimension == sketcher.dimension
    return sketcher if can else None
