"""How the service is set up: one frozen value, from a file, the environment and flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MB = 1_000_000


@dataclass(frozen=True)
class LimitsConfig:
    """Bounds on everything that comes from outside; over one: 408, 413, 422, 429 or 503.

    Attributes:
        body_mb: megabytes of a request's body.
        batch_body_mb: megabytes of a batch's body.
        pixels: of a picture.
        batch_rows: rows of a batch of items, queries of a batch of queries.
        dimension: floats of a vector that a caller sends, and of a lens that one makes.
        header_kb: kilobytes of a request's headers and path.
        in_flight: requests of a worker that are being answered at once; more are refused.
        waiting: pictures that may wait for the embedder; more are refused.
        read_seconds: for a client to send its headers, and between two parts of a body.
        answer_seconds: for an answer.
        keep_alive_seconds: that an idle connection is kept.
        connections: open ones per worker.
        requests_per_second: of one key, or of one address without a key; 0 for no bound.
        bodies_mb: megabytes of all bodies that a worker holds at once; more are refused.
        slowest_kb_per_second: a client that sends a body or reads an answer more slowly, once
            `read_seconds` are over, is cut off.
        failed_keys_per_minute: wrong keys from one address, before it has to wait.
        copies_mb: megabytes of a collection's small copies of pictures that were uploaded or lie at
            an address elsewhere; beyond, the oldest leave. 0 keeps none.
        thumbnails_mb: megabytes of a collection's thumbnails; beyond, those that nobody has asked
            for leave, then the oldest. 0 keeps none.
        feedback_mb: megabytes of a collection's feedback that are kept; beyond, the oldest leaves.
    """

    body_mb: float = 30
    batch_body_mb: float = 100
    pixels: int = 100_000_000
    batch_rows: int = 10_000
    dimension: int = 65_536
    header_kb: float = 32
    in_flight: int = 256
    waiting: int = 256
    read_seconds: float = 15
    answer_seconds: float = 60
    keep_alive_seconds: float = 15
    connections: int = 2_048
    requests_per_second: float = 0
    bodies_mb: float = 1_000
    slowest_kb_per_second: float = 4
    failed_keys_per_minute: int = 30
    copies_mb: float = 2_000
    thumbnails_mb: float = 512
    feedback_mb: float = 1_000


@dataclass(frozen=True)
class ServeConfig:
    """Everything that `mitame serve` can be told.

    Attributes:
        data: directory that holds the collections.
        host, port: where to listen.
        workers: processes.
        threads: of a worker that do what would keep it from answering others.
        folders: to be indexed and followed while it answers.
        collection: that the folders are indexed into.
        follow_seconds: between two looks at a folder.
        merge: merge by itself when it is worth it.
        thumbnails: make thumbnails for the page while nothing is asked.
        answers_mb: megabytes of a worker for answers to product-page questions; 0 keeps none.
        page: serve the page at ``/``.
        gannoy: serve gannoy's routes at the root.
        remove_unknown: what gannoy's DELETE of an unknown key answers: 422 or 200.
        cors: origins that browsers may ask from; ``*`` for all.
        access_log: file, ``-`` for standard output, empty for none.
        allow_private: fetch pictures from private network addresses, too.
        allow_open: listen beyond loopback without a key.
        metrics_collections: name collections in ``/metrics``, which needs no key; where None, only
            while it listens on loopback.
        grace_seconds: for requests in flight when it is stopped.
        proxies: addresses whose ``X-Forwarded-For`` is believed.
        pid_file: that gets the process' number while it runs; empty for none.
        limits: bounds on everything that comes from outside.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int = 4
    folders: tuple[str, ...] = ()
    collection: str = "default"
    follow_seconds: float = 30
    merge: bool = True
    thumbnails: bool = True
    answers_mb: float = 256
    page: bool = True
    gannoy: bool = False
    remove_unknown: int = 422
    cors: tuple[str, ...] = ()
    access_log: str = "-"
    metrics_collections: bool | None = None
    allow_private: bool = False
    allow_open: bool = False
    grace_seconds: float = 30
    proxies: tuple[str, ...] = ()
    pid_file: str = ""
    limits: LimitsConfig = field(default_factory=LimitsConfig)
