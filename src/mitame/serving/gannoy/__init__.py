"""gannoy's routes: its clients work unmodified."""

from __future__ import annotations
