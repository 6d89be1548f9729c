"""What all requests of a worker share, made once and closed once."""

from __future__ import annotations

import secrets

from mitame.config import ServeConfig
from mitame.serving.attribute_names import AttributeNames
from mitame.serving.callers.admission import Admission
from mitame.serving.callers.keys import Keys
from mitame.serving.drawn_maps import DrawnMaps
from mitame.serving.near_copies import Finder
from mitame.serving.pictures.embedding import Embedding
from mitame.serving.pictures.far_pictures import FarPictures
from mitame.serving.product.answers import Answers
from mitame.serving.product.learning import Learning
from mitame.serving.product.query_ids import QueryIds
from mitame.serving.product.remembering import Remembering
from mitame.serving.registry import OpenCollections
from mitame.serving.seeing.access_log import AccessLog
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.seeing.observing import Observer
from mitame.serving.seeing.readiness import Readiness
from mitame.serving.seeing.tracing import tracing_of_environment
from mitame.serving.state import State
from mitame.serving.stores import Stores
from mitame.serving.work.jobs import Jobs
from mitame.serving.work.running import Threads
from mitame.timing import listen

_WATCHERS = 16
"""Questions about its health that may wait at once."""


class Service:
    """Everything that answers stand on.

    Attributes:
        config: how it was set up.
        threads: what blocks runs there.
        collections: the open ones.
        state: what the workers of a data directory share beside collections.
        keys: who may do what.
        admission: what every request must pass: its key, its share.
        jobs: long work.
        embedding: pictures to vectors, a bounded number at once.
        far_pictures: those at addresses elsewhere, fetched to be shown.
        tracing: makes spans; None where nobody wants them.
        metrics: counts and times.
        log: of accesses.
        watchers: a thread for those who watch the service, however busy the others are.
        readiness: whether it can answer.
        observer: what is seen of every request.
        instance: of this process, in query ids.
        query_ids: names of its answers.
        answers: to product-page questions, as far as they are kept.
        learning: which lenses are searched on the event loop.
        stores: what is kept beside each collection.
        remembering: what query ids mean.
        duplicates: the search for near-copies.
        maps: of collections.
        attribute_names: that filters can ask for.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        self.state = State(config.data)
        self.tracing = tracing_of_environment()
        self.metrics = Metrics(self.state.folder, tracing=self.tracing)
        listen(self.metrics.stage)
        self.log = AccessLog(config.access_log, self._beat)
        self.watchers = Threads(1, _WATCHERS)
        self.threads = Threads(config.threads, config.limits.in_flight)
        self.collections = OpenCollections(config, self.threads)
        self.keys = Keys(self.state, config)
        self.admission = Admission(config, self.keys)
        self.jobs = Jobs(self.state)
        self.embedding = Embedding(config, self.metrics)
        self.far_pictures = FarPictures(config)
        self.readiness = Readiness(self.state, self.collections)
        self.instance = secrets.token_hex(4)
        self.observer = Observer(self.metrics, self.log, self.instance)
        self.query_ids = QueryIds(self.instance)
        self.answers = Answers(config.data, int(config.answers_mb * 1_000_000))
        self.learning = Learning(self.answers, self.threads)
        self.stores = Stores(config.limits)
        self.remembering = Remembering(self.stores)
        self.duplicates = Finder()
        self.maps = DrawnMaps()
        self.attribute_names = AttributeNames()

    def close(self) -> None:
        """Let go of files and threads, after what is under way."""
        self.readiness.stopping = True
        self.embedding.close()
        self.far_pictures.close()
        self.threads.close()
        self.watchers.close()
        self.remembering.close()
        self.stores.close()
        self.collections.close()
        listen(None)
        self.log.close()
        if self.tracing is not None:
            self.tracing.close()
        self.metrics.close()
        self.state.close()

    def _beat(self) -> None:
        """Each second, on the log's thread: what is seen at a moment only."""
        gauge = self.metrics.counter
        gauge("mitame_requests_in_flight").set(self.observer.under_way)
        gauge("mitame_thread_calls").set(self.threads.under_way)
        gauge("mitame_embedding_queue").set(self.embedding.under_way)
        gauge("mitame_access_log_dropped_total").set(self.log.dropped)
