"""Answers to product-page questions that a worker keeps, never stale and never too many.

What is kept under is the path and the query string as they were sent. Before an answer is given
again, the collection is looked at (`mitame.collection.following`): so a write of any process that
was acknowledged is in the next answer.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mitame.collection import View, collection_path
from mitame.collection.following import Following
from mitame.collection.sketches import Sketcher, sample_of
from mitame.errors import MitameError
from mitame.serving.product.followed import Followed, Lists
from mitame.serving.product.kept import Kept
from mitame.serving.product.searched import near_item
from mitame.serving.product.similar_question import Question

Key: TypeAlias = tuple[bytes, bytes]
MOST_FOLLOWED = 64
"""Collections that are followed at once."""


@dataclass(frozen=True)
class Ticket:
    """The right to keep an answer that is found from now on.

    Attributes:
        followed: the collection.
        epoch: of the following.
    """

    followed: Followed
    epoch: int


class Answers:
    """For the event loop's thread, but for `sketcher`.

    Args:
        data: directory that holds the collections.
        max_bytes: of memory; those used longest ago go first. 0 keeps none.
    """

    def __init__(self, data: Path, max_bytes: int) -> None:
        self._data = data
        self._most = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Key, tuple[Kept, Followed, int]] = OrderedDict()
        self._followed: OrderedDict[str, Followed] = OrderedDict()
        self._looked_at: set[Followed] = set()
        self._turn_of: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._sketchers: dict[tuple[Followed, int, str], Sketcher] = {}

    @property
    def bytes(self) -> int:
        """Of memory, about."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def right(self, key: Key) -> tuple[Kept, str] | None:
        """What is kept under a key, where it is the answer at this moment; and its collection."""
        held = self._kept.get(key)
        if held is None:
            return None
        kept, followed, size = held
        parts = kept.parts
        if not self._looked(followed) or not kept.is_right(followed):
            self._drop(key)
            return None
        if kept.parts is not parts:
            self._bytes += kept.bytes - size
            self._kept[key] = kept, followed, kept.bytes
        self._kept.move_to_end(key)
        if kept.parts is not parts:
            self._make_room()  # which may take this one, too
        return kept, followed.collection

    def at_once(self, collection: str, question: Question, key: Key) -> Kept | None:
        """The answer, found by the neighbour table or a short search and kept; else None."""
        followed = self.now(collection)
        if followed is None:
            return None
        found = followed.find(question) or near_item(followed, question)
        rows = None if found is None else followed.following.rows_of(found.lens)
        if found is None or rows is None:
            return None
        kept = Kept(question, found, followed.following.epoch, rows.sketcher)
        self.keep(key, kept, followed)
        return kept

    def is_followed(self, collection: str) -> bool:
        """Whether it may be that `now` knows it."""
        return collection in self._followed

    def now(self, collection: str) -> Followed | None:
        """A collection that is followed, looked at just now; None where it is not."""
        followed = self._followed.get(collection)
        return followed if followed is not None and self._looked(followed) else None

    def ticket(self, collection: str) -> Ticket | None:
        """To be taken before a collection is asked; None where its answers can't be kept."""
        if not self._most:
            return None
        followed = self.now(collection) or self._opened(collection)
        return None if followed is None else Ticket(followed, followed.following.epoch)

    def keep(self, key: Key, kept: Kept, followed: Followed) -> None:
        """Keep an answer."""
        self._drop(key)
        size = kept.bytes
        self._kept[key] = kept, followed, size
        self._bytes += size
        self._make_room()

    def _make_room(self) -> None:
        while self._bytes > self._most:
            self._drop(next(iter(self._kept)))

    def sketcher(self, ticket: Ticket, view: View, lens: str) -> Sketcher:
        """How vectors of a lens are compared in short; made once. For any thread."""
        name = ticket.followed, ticket.epoch, lens
        with self._lock:
            found = self._sketchers.get(name)
            if found is None:
                self._forget_sketchers(ticket.followed, before=ticket.epoch)
                found = self._sketchers[name] = _made(view, lens)
            return found

    def offer(self, ticket: Ticket, lists: Lists, sketcher: Sketcher) -> bool:
        """Follow a lens, if it is not followed yet; whether its answers can be kept."""
        ticket.followed.offer(lists, sketcher, ticket.epoch)
        rows = ticket.followed.following.rows_of(lists.name)
        return rows is not None and rows.sketcher is sketcher

    def close(self) -> None:
        """Keep nothing any more."""
        self._kept.clear()
        self._bytes = 0
        for followed in list(self._followed.values()):
            self._lose(followed)

    def _drop(self, key: Key) -> None:
        held = self._kept.pop(key, None)
        if held is not None:
            self._bytes -= held[2]

    def _looked(self, followed: Followed) -> bool:
        """Look at a collection, once in a turn of the event loop; False where it is lost.

        Whatever runs in a turn was asked for before the turn began, and so before its first look.
        """
        if self._followed.get(followed.collection) is not followed:
            return False
        if followed in self._looked_at and self._is_same_turn():
            return True
        epoch = followed.following.epoch
        try:
            followed.following.look()
        except (MitameError, OSError, sqlite3.Error):
            self._lose(followed)
            return False
        if followed.following.epoch != epoch:
            followed.at_epoch()
        self._remember_look(followed)
        return True

    def _is_same_turn(self) -> bool:
        # A loop that has ended in the middle of a turn does not come to the turn's end. To ask for
        # the running loop would be a call of the system, for each answer.
        return self._turn_of is not None and self._turn_of.is_running()

    def _remember_look(self, followed: Followed) -> None:
        with suppress(RuntimeError):  # without an event loop there are no turns
            loop = asyncio.get_running_loop()
            if self._turn_of is not loop:  # or one that has ended in the middle of a turn
                self._turn_of = loop
                self._looked_at.clear()
            if not self._looked_at:
                # What is asked for from now on comes after it in the loop's queue.
                loop.call_soon(self._looked_at.clear)
            self._looked_at.add(followed)

    def _opened(self, collection: str) -> Followed | None:
        try:
            path = collection_path(self._data, collection)
            followed = Followed(collection, Following(path))
        except (MitameError, OSError, sqlite3.Error):
            return None
        self._followed[collection] = followed
        if len(self._followed) > MOST_FOLLOWED:
            self._lose(next(iter(self._followed.values())))
        return followed

    def _lose(self, followed: Followed) -> None:
        self._followed.pop(followed.collection, None)
        self._looked_at.discard(followed)
        followed.following.close()
        with self._lock:
            self._forget_sketchers(followed)

    def _forget_sketchers(self, followed: Followed, before: float = math.inf) -> None:
        """Those of earlier epochs; the lock is held."""
        for name in [n for n in self._sketchers if n[0] is followed and n[1] < before]:
            del self._sketchers[name]


def _made(view: View, lens: str) -> Sketcher:
    base = view.lens_rows(lens).base
    sample = base.vectors(sample_of(base.count))
    return Sketcher.of(sample, base.distance)
