"""Every contender, ours first. A new library is one file beside this one and one line here."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.engines.peers import faiss, hnsw, ours, rabitq, scann, svs, trees
from benchmarks.engines.peers.peer import Contender, Task

_GRIDS = (
    ours.contenders,
    rabitq.contenders,
    svs.contenders,
    scann.contenders,
    faiss.contenders,
    hnsw.contenders,
    trees.contenders,
)


def contenders(task: Task, words: Sequence[str] = (), *, quick: bool = False) -> list[Contender]:
    """What is measured, installed or not; the same for the same arguments, in every process.

    Args:
        task: the set.
        words: only those whose label holds one of these; all when there are none.
        quick: only the first build of each family.
    """
    found = [each for grid in _GRIDS for each in grid(task)]
    if words:
        found = [each for each in found if any(word in each.label for word in words)]
    if not quick:
        return found
    firsts: dict[str, Contender] = {}
    for each in found:
        firsts.setdefault(each.family, each)
    return list(firsts.values())
