"""How the threads of a process that answers take turns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 0.0005
"""After which a thread lets others go on. The event loop lets go at each of its callbacks: with the
usual 5 ms it would come to one in 5 ms while a thread writes to the disk what was asked."""


@contextmanager
def quick_switching() -> Iterator[None]:
    """Threads of this process give way soon in the with block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
