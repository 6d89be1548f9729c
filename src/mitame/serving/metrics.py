"""Counts and times of a worker, in the form that Prometheus reads."""

from __future__ import annotations


class Metrics:
    """What a worker has counted."""
