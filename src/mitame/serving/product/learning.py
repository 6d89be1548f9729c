"""How a lens comes to be searched on the event loop: a question that a thread answered asks for it.

What is searched is opened and timed on a thread, beside the answers and once at a time.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mitame.arguments import lens_of
from mitame.collection import Store
from mitame.collection.sketches import Sketcher
from mitame.errors import MitameError
from mitame.serving.product.answers import MOST_FOLLOWED, Answers, Ticket
from mitame.serving.product.followed import Lists, lists_of
from mitame.serving.product.nearest import MORE
from mitame.serving.product.pace import AGAIN
from mitame.serving.work.running import Threads

if TYPE_CHECKING:
    from mitame.api import Collection

_SEARCHES = 3
"""That are timed: the first one maps pages of files that were just opened."""


class Learning:
    """Learns which lenses are quick. For the event loop's thread.

    Args:
        answers: that follow collections.
        threads: that open and time.
    """

    def __init__(self, answers: Answers, threads: Threads) -> None:
        self._answers = answers
        self._threads = threads
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._vain: dict[tuple[str, str | None], tuple[int, float]] = {}

    def asked(
        self, name: str, collection: Collection, lens: str | None, vector: NDArray[np.float32]
    ) -> None:
        """A thread has answered a question by a vector alone.

        Args:
            name: the collection's.
            collection: that was asked.
            lens: that was searched; the first one where None.
            vector: float32[dimension], as it was asked for.
        """
        if name in self._under_way:
            return
        ticket = self._answers.ticket(name)
        if ticket is None:
            return
        held, vain = ticket.followed.lists(lens), self._vain.get((name, lens))
        if held is None and vain is not None and vain[0] == ticket.epoch:
            is_due = time.monotonic() >= vain[1]
        else:
            is_due = held is None or held[2].is_due
        if not is_due:
            return
        task = asyncio.create_task(self._learn(name, ticket, collection, lens, vector))
        self._under_way[name] = task
        task.add_done_callback(lambda _: self._under_way.pop(name, None))

    async def _learn(
        self,
        name: str,
        ticket: Ticket,
        collection: Collection,
        lens: str | None,
        vector: NDArray[np.float32],
    ) -> None:
        with suppress(MitameError):  # whoever asks next gets to hear of it, and so learns anew
            found = await self._threads.run(
                opened, self._answers, ticket, collection.store, lens, vector
            )
            if found is not None:
                learnt(self._answers, ticket, *found)
        if ticket.followed.lists(lens) is None:  # not merged yet, or too much has come since
            if len(self._vain) >= MOST_FOLLOWED:
                self._vain.clear()
            self._vain[name, lens] = ticket.epoch, time.monotonic() + AGAIN


def opened(
    answers: Answers,
    ticket: Ticket,
    store: Store,
    lens: str | None,
    vector: NDArray[np.float32],
) -> tuple[Lists, Sketcher, float] | None:
    """What is needed to search a lens, and how long that takes; None where there is no snapshot."""
    with store.pin() as view:
        if not view.generation:
            return None
        name = lens_of(view.lenses, lens).name
        sketcher, lists = answers.sketcher(ticket, view, name), lists_of(view, name)
        seconds = min(_searched(lists, vector) for _ in range(_SEARCHES))
        return lists, sketcher, seconds


def _searched(lists: Lists, vector: NDArray[np.float32]) -> float:
    """Seconds of processor time that a search takes; others may have the processor meanwhile."""
    began = time.thread_time()
    lists.base.index.search(vector[np.newaxis], MORE)
    return time.thread_time() - began


def learnt(
    answers: Answers, ticket: Ticket, lists: Lists, sketcher: Sketcher, seconds: float
) -> None:
    """Search the lens on the event loop from now on, while that is quick."""
    if answers.offer(ticket, lists, sketcher):
        held = ticket.followed.lists(lists.name)
        if held is not None:
            held[2].measured(seconds)
