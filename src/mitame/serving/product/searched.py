"""What is near a vector, found on the event loop: for collections where that is a short search.

A search of the served snapshot by the engine that was chosen, joined with what has been written
since (`mitame.collection.following`): the same answer as `mitame.search` gives, without a thread,
a transaction or a row of the database for each neighbour.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.asked import Asked
from mitame.collection.base import Base
from mitame.collection.new_rows import NewRows
from mitame.distances import normalise
from mitame.errors import MitameError
from mitame.feedback import AskedQuestion
from mitame.feedback.question import MAX_ANSWER
from mitame.neighbors import PADDING
from mitame.serving.product.followed import Followed, Lists
from mitame.serving.product.pace import Pace
from mitame.serving.product.similar_body import Facts, Shown, middle_of
from mitame.serving.product.similar_question import Found, Question
from mitame.timing import step

SPARE = 1
"""Rows asked for beyond the limit, to be sure that there is no tie: each makes a search longer."""
MORE = 16
"""The same where there is one, an item has moved, or items have several images."""
_MOST_ASKED = 256
"""Rows that are asked for at most; who wants more can wait for a thread."""


@dataclass(frozen=True, slots=True)
class NearVector:
    """What was found.

    Attributes:
        lists: of the lens that was searched.
        position: of the journal.
        exact: these are the true nearest.
        told: the neighbours with their distances, nearest first.
        vectors: float32[1, dimension], what was searched with.
        took: seconds.
    """

    lists: Lists
    position: int
    exact: bool
    told: list[tuple[Shown, float]]
    vectors: NDArray[np.float32]
    took: float

    def body(self, query_id: str) -> bytes:
        """The answer's body; an `AnswerReply`."""
        lists = self.lists
        facts = Facts(lists.generation, lists.name, self.exact, complete=True, reason=None)
        return b'{"query_id":"%b","took_ms":%b,%b,"position":%d}' % (
            query_id.encode(),
            b"%.3f" % (self.took * 1_000),
            middle_of(facts, lists.spec, self.told),
            self.position,
        )

    def remembered(self) -> AskedQuestion:
        """What is kept of it for feedback."""
        return AskedQuestion(
            "vector",
            self.lists.name,
            self.lists.spec.fingerprint,
            self.position,
            answer=[item.id for item, _ in self.told[:MAX_ANSWER]],
            vectors=self.vectors,
        )


def near_vector(
    followed: Followed, vector: NDArray[np.float32], limit: int, lens: str | None
) -> NearVector | None:
    """The items nearest to a vector; None where only the whole of the library knows, or is quick.

    Args:
        followed: the collection, looked at just now.
        vector: float32[n], finite, not all zero.
        limit: how many are wanted.
        lens: its name; the first one where None.
    """
    held = followed.lists(lens)
    if held is None or limit + MORE > _MOST_ASKED:
        return None
    lists, _, pace = held
    base = lists.base
    if not pace.is_quick or len(vector) != base.dimension or base.opened_index is None:
        return None
    began, question = time.perf_counter(), vector[np.newaxis]
    found = _nearest(followed, held, question, limit)
    if found is None:
        return None
    exact = base.index.is_exact  # asked afterwards: damage may have ended an engine's index
    took = time.perf_counter() - began
    return NearVector(lists, followed.following.position, exact, found[1], question, took)


def near_item(followed: Followed, question: Question) -> tuple[Found, NDArray[np.float32]] | None:
    """What looks like an item that has one vector, newer than the snapshot; with its sketch.

    None where only the whole of the library knows, or is quick.

    Args:
        followed: the collection, looked at just now.
        question: about the item.
    """
    held, following = followed.lists(question.lens), followed.following
    if held is None or not question.is_plain or question.wanted + MORE > _MOST_ASKED:
        return None
    lists, rows, pace = held
    if not pace.is_quick or lists.base.opened_index is None:
        return None
    key = followed.key_of(question.id)
    if key is None or key not in following.moved:
        return None
    vectors = rows.vectors_of(key)
    if len(vectors) != 1 or not vectors.any():
        return None
    near = _nearest(followed, held, vectors, question.wanted, own=key)
    if near is None:
        return None
    found = Found(
        lists.name,
        lists.base.index.is_exact,
        lists.generation,
        following.position,
        None,
        near[0],
        near[1][: question.limit],
        key,
        lists.spec,
        Asked.held(vectors),
        rows.end,
    )
    return found, rows.sketcher.question(vectors)


def _nearest(
    followed: Followed,
    held: tuple[Lists, NewRows, Pace],
    question: NDArray[np.float32],
    wanted: int,
    own: int | None = None,
) -> tuple[list[tuple[int, float]], list[tuple[Shown, float]]] | None:
    """The nearest items to float32[1, dimension], keys and what is told; but for one's own key.

    None where that is not sure, or something can't be read: the library has words for it.
    """
    lists, rows, pace = held
    began, worked = time.perf_counter(), time.thread_time()
    told, pairs = None, None
    try:
        for spare in (SPARE, MORE) if lists.single else (MORE,):
            pairs = pairs or _in_base(lists.base, followed.following.moved, question, wanted, spare)
        if pairs is not None:
            bound = pairs[wanted - 1][1]
            near = [pair for pair in pairs if pair[1] <= bound]
            if rows.first != rows.end:
                with step("delta"):
                    entering = _entering(rows, question, bound)
                near += [pair for pair in entering.items() if pair[0] != own]
            with step("hydrate"):
                told = followed.told(near, wanted)
    except MitameError:
        told = None
    took, working = time.perf_counter() - began, time.thread_time() - worked
    pace.took(working, took - working)
    return told


def _in_base(
    base: Base, moved: Mapping[int, int], question: NDArray[np.float32], limit: int, spare: int
) -> list[tuple[int, float]] | None:
    """The nearest items of the snapshot that have not moved, with all at the last distance.

    None where a search for more rows is needed to be sure.
    """
    wanted = min(base.count, limit + spare)
    with step("engine"):
        found = base.index.search(question, wanted)
    away, owners = found.distances[0].tolist(), base.owners[found.ids[0]].tolist()
    if int(found.ids[0, -1]) == PADDING:
        return None
    least: dict[int, float] = {}
    for owner, distance in zip(owners, away, strict=True):
        if owner not in moved:
            least.setdefault(owner, distance)
    pairs = [*least.items()]
    is_sure = wanted == base.count or (len(pairs) >= limit and pairs[limit - 1][1] < away[-1])
    return pairs if is_sure and len(pairs) >= limit else None


def _entering(rows: NewRows, question: NDArray[np.float32], away: float) -> Mapping[int, float]:
    """Items that new rows bring as near as that, with their distances."""
    sketcher = rows.sketcher
    # Sketches bound products of unit vectors; distances are of the question as it was sent.
    unit = normalise(question) if sketcher.distance == "cosine" else question
    bound = sketcher.least(Asked.held(unit).lengths, away, rows.longest)
    places = rows.candidates(sketcher.question(unit), bound, 0)
    return rows.nearest(Asked.held(question), places, -np.inf, away)
