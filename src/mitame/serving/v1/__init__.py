"""The routes of version 1, a file per kind of thing."""

from __future__ import annotations
