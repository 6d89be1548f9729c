"""Pictures to vectors: a bounded number at once, together where the embedder wants batches."""

from __future__ import annotations

from mitame.config import ServeConfig
from mitame.serving.metrics import Metrics
from mitame.serving.running import Threads


class Embedding:
    """Decodes and embeds.

    Args:
        config: of the service.
        threads: that do it.
        metrics: that are told.
    """

    def __init__(self, config: ServeConfig, threads: Threads, metrics: Metrics) -> None:
        self._config = config
        self._threads = threads
        self._metrics = metrics

    def close(self) -> None:
        """Let go of the embedders."""
