"""What is near a vector, found on the event loop: for collections where that is a short search.

A search of the served snapshot joined with what has been written since (`nearest`): the same
answer as `mitame.search` gives, without a thread, a transaction or a row of the database for each
neighbour.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.asked import Asked
from mitame.feedback import AskedQuestion
from mitame.feedback.question import MAX_ANSWER
from mitame.serving.product.followed import Followed, Lists
from mitame.serving.product.nearest import MORE, nearest
from mitame.serving.product.similar_body import Facts, Shown, middle_of
from mitame.serving.product.similar_question import Found, Question

MOST_ASKED = 256
"""Rows that are asked for at most; who wants more can wait for a thread."""
_TIMES = 2
"""That several questions are searched: somebody may write while texts are read, and a thread for
each of them would cost more."""


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
    told: Sequence[tuple[Shown, float]]
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


def near_vectors(
    followed: Followed, vectors: NDArray[np.float32], limit: int, lens: str | None
) -> Sequence[NearVector | None]:
    """The items nearest to each vector; None where only the library knows, or it is not quick.

    Args:
        followed: the collection, looked at just now.
        vectors: float32[n, dimension], finite, none all zero; n at least 1.
        limit: how many are wanted of each.
        lens: its name; the first one where None.
    """
    nothing: list[NearVector | None] = [None] * len(vectors)
    began = time.perf_counter()
    for _ in range(_TIMES):
        held, following = followed.lists(lens), followed.following
        if held is None or limit + MORE > MOST_ASKED:
            return nothing
        lists, _, pace = held
        base, before = lists.base, (following.position, following.epoch)
        if not pace.is_quick or vectors.shape[1] != base.dimension or base.opened_index is None:
            return nothing
        found = nearest(followed, held, vectors, limit)
        exact = base.index.is_exact  # asked afterwards: damage may have ended an engine's index
        if (following.position, following.epoch) == before:
            break
    took = time.perf_counter() - began
    return [
        None
        if near is None
        else NearVector(lists, before[0], exact, near.told, vectors[number : number + 1], took)
        for number, near in enumerate(found)
    ]


def near_item(followed: Followed, question: Question) -> Found | None:
    """What looks like an item that has one vector, newer than the snapshot.

    None where only the whole of the library knows, or is quick.

    Args:
        followed: the collection, looked at just now.
        question: about the item.
    """
    held, following = followed.lists(question.lens), followed.following
    if held is None or not question.is_plain or question.wanted + MORE > MOST_ASKED:
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
    near = nearest(followed, held, vectors, question.wanted, own=key)[0]
    if near is None:
        return None
    return Found(
        lists.name,
        lists.base.index.is_exact,
        lists.generation,
        following.position,
        None,
        near.pairs,
        near.told[: question.limit],
        key,
        lists.spec,
        Asked.held(vectors),
        rows.end,
    )
