"""HTTP: one process, or several over one data directory, that answer what looks like this."""

from __future__ import annotations
