"""From a collection to a target: a file, a PostgreSQL table, keys in Redis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from mitame.api import Collection
from mitame.arguments import lens_of
from mitame.collection import View
from mitame.exchange.neighbors.files import write_file
from mitame.exchange.neighbors.listing import NeighborsOf, lists
from mitame.exchange.neighbors.postgres_table import PostgresTable
from mitame.exchange.neighbors.redis_keys import RedisKeys
from mitame.exchange.neighbors.target import is_address, scheme_of
from mitame.search import check_limit

OnStep: TypeAlias = Callable[[int, int], None]
DEFAULT_LIMIT = 100


@dataclass
class NeighborsReport:
    """What was written.

    Attributes:
        items: how many lists.
        neighbors: how many entries they have together.
        searched: lists that the neighbour table did not have, and a search found.
        exact: all lists are the true ones.
        position: of the journal, of which they are.
        target: where they are, without user name and password.
    """

    items: int = 0
    neighbors: int = 0
    searched: int = 0
    exact: bool = True
    position: int = 0
    target: str = ""

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)


def write_neighbors(
    collection: Collection,
    to: str | os.PathLike[str],
    *,
    lens: str | None = None,
    limit: int = DEFAULT_LIMIT,
    on_step: OnStep | None = None,
) -> NeighborsReport:
    """Write the list of every item, as all of them are at one moment.

    Args:
        collection: whose.
        to: a path that ends in ``.parquet``, ``.jsonl`` or ``.csv``, or an address
            ``postgresql://USER:PASSWORD@HOST/DATABASE?table=NAME`` or
            ``redis://:PASSWORD@HOST:PORT/NUMBER?prefix=NAME``.
        lens: the default lens when None.
        limit: neighbours per item, 1 to 10,000.
        on_step: called now and then with items done and to do.

    Raises:
        UnknownLens: no such lens.
        UsageError: a target or limit that can't be one.
        StorageError: the file can't be written; what was there stays.
        TargetError: the server can't be reached, refuses us, or has no room; what was there stays.
        MissingExtra: the driver is not installed.
    """
    check_limit(limit)
    name = lens_of(collection.lenses, lens).name
    target = os.fspath(to)
    write, shown = _writer(target, collection.path.name, name)
    report = NeighborsReport(target=shown)
    with collection.store.pin() as view:
        report.position = view.position
        write(_counted(view, name, limit, report, on_step))
    return report


_Write: TypeAlias = Callable[[Iterator[NeighborsOf]], None]


def _writer(target: str, collection: str, lens: str) -> tuple[_Write, str]:
    """What writes there, and the target as it may be shown."""
    if not is_address(target):
        path = Path(target)
        return lambda found: write_file(found, path), target
    if scheme_of(target) in RedisKeys.SCHEMES:
        keys = RedisKeys.at(target, f"mitame:{collection}:{lens}")
        return keys.write, keys.shown
    table = PostgresTable.at(target)
    return table.write, table.shown


def _counted(
    view: View, lens: str, limit: int, report: NeighborsReport, on_step: OnStep | None
) -> Iterator[NeighborsOf]:
    total = view.count()
    for each in lists(view, lens, limit):
        yield each
        report.items += 1
        report.neighbors += len(each.neighbors)
        report.searched += each.searched
        report.exact &= each.exact
        if on_step is not None and report.items % 100 == 0:
            on_step(report.items, total)
    if on_step is not None:
        on_step(total, total)
