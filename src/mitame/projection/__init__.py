"""Many dimensions on a plane: principal axes, a layout by neighbours. Pure."""

from __future__ import annotations
