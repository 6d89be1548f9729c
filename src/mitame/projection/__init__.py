"""Many dimensions on a plane: principal axes, and the square that is shown. Pure."""

from __future__ import annotations
