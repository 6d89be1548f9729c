"""How a lens comes to be searched on the event loop: a question that a thread answers tells."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from mitame.collection import View
from mitame.collection.sketches import Sketcher
from mitame.serving.product.answers import Answers, Ticket
from mitame.serving.product.followed import Lists, lists_of
from mitame.serving.product.searched import SPARE
from mitame.serving.v1.questions import Asked


class Learning:
    """What is learnt of a lens while one question by a vector is answered.

    Made and done on the event loop; `searched` is for the thread between.

    Args:
        answers: that follow collections.
        collection: its name.
        asked: the question; one that is not by a vector alone teaches nothing.
    """

    def __init__(self, answers: Answers, collection: str, asked: Asked) -> None:
        self._answers = answers
        self._ticket: Ticket | None = None
        self._learnt: tuple[Lists, Sketcher, float] | None = None
        if asked.kind == "vector" and asked.is_plain:
            ticket = answers.ticket(collection)
            held = None if ticket is None else ticket.followed.lists(asked.body.lens)
            if held is None or held[2].is_due:
                self._ticket = ticket

    def searched(self, view: View, lens: str, vectors: NDArray[np.float32], limit: int) -> None:
        """Open what is searched, and see how long that takes; on the thread that has the view.

        Args:
            view: that was asked.
            lens: its name.
            vectors: float32[1, dimension], what it was asked for.
            limit: how many neighbours.
        """
        if self._ticket is None or not view.generation:
            return
        sketcher = self._answers.sketcher(self._ticket, view, lens)
        lists = lists_of(view, lens)
        began = time.thread_time()  # others may have the processor meanwhile
        lists.base.index.search(vectors, limit + SPARE)
        self._learnt = lists, sketcher, time.thread_time() - began

    def done(self) -> None:
        """Use it from now on."""
        if self._ticket is None or self._learnt is None:
            return
        lists, sketcher, seconds = self._learnt
        if self._answers.offer(self._ticket, lists, sketcher):
            held = self._ticket.followed.lists(lists.name)
            if held is not None:
                held[2].measured(seconds)
