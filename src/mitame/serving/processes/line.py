"""What supervisor and worker say to each other on the line between them: one byte each."""

from __future__ import annotations

READY = b"r"
"""Of the worker: it answers."""
REOPEN = b"l"
"""Of the supervisor: open the logs anew."""
DRAIN = b"d"
"""Of the supervisor: others answer now, so end what is in flight and go."""
CANNOT_START = 3
"""Exit status of a worker that has said why, where trying again would not help."""
