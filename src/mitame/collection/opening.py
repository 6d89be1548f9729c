"""Making, opening and restoring collections."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from mitame.collection.backup import beside, copy_backup
from mitame.collection.database import BUSY_SECONDS, connect, make, reading, translated
from mitame.collection.lens import Lens
from mitame.collection.lens_table import read_lenses
from mitame.collection.log import Log
from mitame.collection.paths import LOG, SNAPSHOTS
from mitame.collection.root import serve
from mitame.collection.store import Store
from mitame.collection.upgrade import upgrade
from mitame.errors import CorruptCollection, NewerFormat, UsageError
from mitame.storage import Directory, LocalDirectory


def create(path: Path, lenses: Sequence[Lens], *, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Make a collection and open it.

    It is built beside its place and renamed, so that there is the whole of it or nothing, and of
    several processes that make it at once one succeeds.

    Args:
        path: directory that does not exist yet; its parents are made as needed.
        lenses: at least one, names differ.
        busy_seconds: as in `open_store`.

    Raises:
        CollectionExists: there is something at the path.
        UsageError: no lens, or two of one name.
        StorageError: the disk does not let us.
    """
    names = {lens.name for lens in lenses}
    if not lenses or len(names) < len(lenses):
        raise UsageError("a collection needs lenses of different names", remedy="give at least one")
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside(LocalDirectory(path.parent), path.name) as building:
            building.child(LOG)
            building.child(SNAPSHOTS)
            serve(building, 0)
            assert building.path is not None
            make(building.path, lenses)
    return open_store(path, busy_seconds=busy_seconds)


def open_store(
    path: Path, *, busy_seconds: float = BUSY_SECONDS, directory: Directory | None = None
) -> Store:
    """Open a collection, and bring one of an older format to the present one.

    Where only the served snapshot can't be opened, `Store.pin` says so and `Store.rollback`
    mends it.

    Args:
        path: its directory.
        busy_seconds: how long a write waits for another process's, then CollectionBusy.
        directory: the same directory, for all files but the database's; the one on the disk
            where left out.

    Raises:
        CollectionNotFound, NewerFormat, CorruptCollection, StorageError: as they say.
    """
    with reading(path):
        upgrade(path, busy_seconds)
        connection = connect(path, busy_seconds=busy_seconds)
        try:
            table = read_lenses(connection, path)
        finally:
            connection.close()
    store = Store(path, directory or LocalDirectory(path), table, busy_seconds)
    try:
        _look_at_log(store, Log(directory or LocalDirectory(path)))
    except BaseException:
        store.close()
        raise
    return store


def _look_at_log(store: Store, log: Log) -> None:
    """The log's files are there and long enough."""
    with ExitStack() as pinned:
        try:
            view = pinned.enter_context(store.pin())
        except (CorruptCollection, NewerFormat):
            return  # whoever pins hears of it, and who rolls back can mend it
        rows: dict[int, int] = dict(view.select("SELECT key, log_rows FROM lenses"))
        for entry in view.stored.values():
            first = view.served.covered_rows(entry.key)
            for file, _, end in entry.log.files(first, rows[entry.key]):
                log.map(file, entry.log, end)


def restore(source: Path, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
    """Bring back a backup: its files are copied, the copy is verified, then it gets its name.

    Args:
        source: what `Store.backup` made; nobody may write to it meanwhile.
        path: directory that does not exist yet.
        busy_seconds: as in `open_store`.

    Raises:
        CollectionNotFound: there is no backup at the source.
        CollectionExists: there is something at the path.
        CorruptCollection: the backup is damaged, and how.
        StorageError: the disk does not let us.
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with beside(LocalDirectory(path.parent), path.name) as building:
        copy_backup(source, building)
        assert building.path is not None
        _verify(building.path, source, busy_seconds)


def _verify(path: Path, source: Path, busy_seconds: float) -> None:
    try:
        with open_store(path, busy_seconds=busy_seconds) as store:
            found = store.check(optional=False)  # the rest is made again by a merge
    except CorruptCollection as error:
        found = [error.message]
    if found:
        more = f", and {len(found) - 1} things more" if len(found) > 1 else ""
        raise CorruptCollection(
            f"the backup {source} is damaged: {found[0]}{more}", remedy="restore another backup"
        )
