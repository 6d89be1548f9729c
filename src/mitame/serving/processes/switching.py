"""How the threads of a process that answers take turns, and when it looks for garbage."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 0.0005
"""After which a thread lets others go on. The event loop lets go at each of its callbacks: with the
usual 5 ms it would come to one in 5 ms while a thread writes to the disk what was asked."""

_YOUNG = 5_000
"""Objects that are made before those among them that hold each other are looked for. Requests that
are under way hold thousands, which are gone a moment later; the usual 700 would look at them again
and again, and move them among the old ones."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Garbage of this process is looked for seldom in the with block, and not among what is there.

    What was there before, modules above all, would be most of what each look at all objects goes
    over, while nobody is answered.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def quick_switching() -> Iterator[None]:
    """Threads of this process give way soon in the with block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
