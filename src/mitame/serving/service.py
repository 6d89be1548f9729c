"""What all requests of a worker share, made once and closed once."""

from __future__ import annotations

import secrets

from mitame.config import ServeConfig
from mitame.serving.embedding import Embedding
from mitame.serving.jobs import Jobs
from mitame.serving.keys import Keys
from mitame.serving.metrics import Metrics
from mitame.serving.registry import OpenCollections
from mitame.serving.running import Threads
from mitame.serving.state import State


class Service:
    """Everything that answers stand on.

    Attributes:
        config: how it was set up.
        threads: what blocks runs there.
        collections: the open ones.
        state: what the workers of a data directory share beside collections.
        keys: who may do what.
        jobs: long work.
        embedding: pictures to vectors, a bounded number at once.
        metrics: counts and times.
        instance: of this process, in query ids.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        self.metrics = Metrics()
        self.threads = Threads(config.threads, config.limits.in_flight)
        self.collections = OpenCollections(config, self.threads)
        self.state = State(config.data)
        self.keys = Keys(self.state, config)
        self.jobs = Jobs(self.state)
        self.embedding = Embedding(config, self.threads, self.metrics)
        self.instance = secrets.token_hex(4)

    def close(self) -> None:
        """Let go of files and threads, after what is under way."""
        self.embedding.close()
        self.threads.close()
        self.collections.close()
        self.state.close()
