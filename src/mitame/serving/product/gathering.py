"""Questions by vector that come in the same turn of the event loop, searched together.

Nobody waits for others: a turn hands over what has come, one question or sixty. Under load turns
grow by themselves, and with them what a question costs falls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mitame.serving.product.answers import Answers
from mitame.serving.product.pace import AT_ONCE
from mitame.serving.product.searched import NearVector, near_vectors
from mitame.serving.product.vector_question import VectorQuestion, are_usable

MOST = 64
"""Questions that are searched together at most."""
_TURN = 4 * AT_ONCE
"""Seconds after which other requests get their turn."""

_Same: TypeAlias = tuple[str, str | None, int, int]


@dataclass(frozen=True, slots=True)
class _Waiting:
    collection: str
    question: VectorQuestion
    answer: asyncio.Future[NearVector | None]

    @property
    def same(self) -> _Same:
        """Those for whom this is the same can be searched together."""
        question = self.question
        return self.collection, question.lens, question.limit, len(question.vector)


class Gathering:
    """For one event loop.

    Args:
        answers: that follow collections.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._waiting: deque[_Waiting] = deque()

    async def near(self, collection: str, question: VectorQuestion) -> NearVector | None:
        """The items nearest to a vector; None where the router is to answer.

        Args:
            collection: its name; looked at after this was called.
            question: what is asked.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(collection, question, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._turn, loop)
        self._waiting.append(waiting)
        return await waiting.answer

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer those that wait, as many as a turn has time for."""
        end = loop.time() + _TURN
        try:
            self._answer(self._alike())
            while self._waiting and loop.time() < end:
                self._answer(self._alike())
        finally:
            if self._waiting:
                loop.call_soon(self._turn, loop)

    def _alike(self) -> Sequence[_Waiting]:
        """The one that has waited longest, and those that can be searched with it."""
        first = self._waiting[0]
        most = self._most(first)
        alike = [each for each in self._waiting if each.same == first.same][:most]
        taken = {id(each) for each in alike}
        self._waiting = deque(each for each in self._waiting if id(each) not in taken)
        return [each for each in alike if not each.answer.done()]  # whose client is still there

    def _most(self, first: _Waiting) -> int:
        """Questions of a lens that a turn has time for."""
        followed = self._answers.now(first.collection)
        held = None if followed is None else followed.lists(first.question.lens)
        return MOST if held is None else held[2].fitting(_TURN, MOST)

    def _answer(self, alike: Sequence[_Waiting]) -> None:
        if not alike:
            return
        try:
            found = self._found(alike)
            if len(found) != len(alike):
                raise AssertionError(f"{len(found)} answers to {len(alike)} questions")
        except Exception as error:  # a defect: each of them is told
            for each in alike:
                each.answer.set_exception(error)
            return
        for each, near in zip(alike, found, strict=True):
            each.answer.set_result(near)

    def _found(self, alike: Sequence[_Waiting]) -> Sequence[NearVector | None]:
        followed = self._answers.now(alike[0].collection)
        if followed is None:
            return [None] * len(alike)
        first = alike[0].question
        vectors = np.stack([each.question.vector for each in alike])
        usable = are_usable(vectors)
        if usable.all():
            return near_vectors(followed, vectors, first.limit, first.lens)
        found: list[NearVector | None] = [None] * len(alike)
        if usable.any():
            near = near_vectors(followed, vectors[usable], first.limit, first.lens)
            for number, each in zip(np.flatnonzero(usable).tolist(), near, strict=True):
                found[number] = each
        return found
