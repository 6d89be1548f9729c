"""mitame's own engines, through the public catalogue: every candidate that an engine names.

What an engine names for so many rows is what the tuner would try; nothing else is known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task
from mitame.distances import Distance
from mitame.engines.catalog import ENGINES
from mitame.engines.protocol import Index

OWN = ("cascade", "exact", "sanny", "suco")
"""The catalogue's other engines are libraries that stand here by themselves."""
_KEPT = 3
"""Candidates of an engine that are measured, at most: as many as of any library."""


class Ours(Peer):
    """Settings: ``engine`` and those of its build."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.engine = ENGINES[settings["engine"]]
        self._everywhere: Index | None = None

    def build(self, rows: Rows, metric: str, threads: int) -> None:
        own = {name: value for name, value in self.settings.items() if name != "engine"}
        distance: Distance = "cosine" if metric == "cosine" else "euclidean"
        self.index = self.engine.build(rows, distance, threads=threads, trusted=True, **own)
        self._rows, self._distance, self._everywhere = rows, distance, None

    def prepared(self, queries: Rows) -> Sequence[Any]:
        return [queries[number : number + 1] for number in range(len(queries))]

    def searcher(self, effort: Any, k: int) -> Ask:
        search = self.index.search
        return lambda query: search(query, k, effort=effort)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer.ids[0], np.int64)

    def batch(
        self, queries: Rows, k: int, effort: Any, threads: int
    ) -> Any:  # takes the cores that the process may use
        if self._everywhere is None:  # an index takes those that there are when it is opened
            self._everywhere = self.engine.open(self._rows, self._distance, self.index.save())
        return self._everywhere.search(queries, k, effort=effort)


def contenders(task: Task, names: Sequence[str] = OWN) -> list[Contender]:
    """The candidates of each of these engines that is in the catalogue."""
    found = []
    for name in names:
        if name not in ENGINES:
            continue
        for candidate in list(ENGINES[name].candidates(task.rows, task.dimension))[:_KEPT]:
            words = " ".join(f"{key}={value}" for key, value in candidate.settings.items())
            found.append(
                Contender(
                    label=f"mitame {name} {words}".strip(),
                    family=f"mitame {name}",
                    peer=Ours,
                    package="mitame",
                    module="mitame",
                    efforts=candidate.efforts,
                    settings={"engine": name, **candidate.settings},
                )
            )
    return found
