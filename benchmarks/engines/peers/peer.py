"""What the harness asks of a library, and which builds and efforts of it are measured."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Ask = Callable[[Any], Any]
"""One query as `Peer.prepared` gave it to one answer for `Peer.ids`: this call is what is timed."""


class Peer:
    """A library's index. Subclasses import their library in `build`, not before.

    Args:
        settings: of the build.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    def build(self, rows: Rows, metric: str, threads: int) -> None:
        """Index float32[n, d]; under ``cosine`` they have length 1. Rows are not changed."""
        raise NotImplementedError  # the class that inherits says which

    def prepared(self, queries: Rows) -> Sequence[Any]:
        """Each query in the form that the library takes; this is not timed."""
        return list(queries)

    def searcher(self, effort: Any, k: int) -> Ask:
        """How one query is answered at an effort; setting it is not timed."""
        raise NotImplementedError  # the class that inherits says which

    def ids(self, answer: Any) -> NDArray[np.int64]:
        """Rows of an answer, nearest first; this is not timed."""
        return np.asarray(answer, np.int64).reshape(-1)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        """All queries at once on so many threads, in the quickest way that the library has.

        Where it has none, its single search is called from threads.
        """
        ask = self.searcher(effort, k)
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(ask, self.prepared(queries)))

    def close(self) -> None:
        """Remove what it wrote, if anything."""


@dataclass(frozen=True)
class Contender:
    """One way to build an index of one library, and the efforts that are swept.

    Attributes:
        label: unique; what tables say.
        family: what is compared in the end: the best of a family's builds.
        peer: makes it.
        package: distribution whose version is reported.
        module: what must be importable.
        settings: of the build.
        efforts: cheapest first; numbers, words or lists of numbers.
    """

    label: str
    family: str
    peer: type[Peer]
    package: str
    module: str
    efforts: tuple[Any, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        """Whether its library is installed."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Of its library, as installed; "" where it isn't."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return ""


@dataclass(frozen=True)
class Task:
    """What settings may depend on, so that they are fixed before anything is measured.

    Attributes:
        rows, dimension: of the set.
        metric: ``euclidean`` or ``cosine``.
        k: neighbours asked for.
    """

    rows: int
    dimension: int
    metric: str
    k: int = 10


def roots(rows: int, factor: float) -> int:
    """That many times the square root of the number of rows: the usual size of a partition."""
    return max(1, min(rows // 4, round(factor * math.sqrt(rows))))
