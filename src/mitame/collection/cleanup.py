"""Removing what no kept generation needs: older snapshots, their journal, and the log they hold.

Nothing here is undone by a crash in between: what is removed was not needed any more, and what
is left is removed the next time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mitame.collection.generations import (
    Generations,
    name_of,
    pin_name,
    pinned_number,
)
from mitame.collection.lens_table import LensTable
from mitame.collection.log import LogLayout, segment_of
from mitame.collection.paths import LOG
from mitame.collection.served import covered_rows
from mitame.collection.writer import Writer
from mitame.errors import CollectionBusy, MitameError
from mitame.storage import Directory

_PAGE = 2_000
"""Rows deleted in one transaction, so that writers never wait long."""


def clean(directory: Directory, generations: Generations, writer: Writer, keep: int) -> None:
    """Remove what is older than the newest `keep` generations, the served one and pinned ones.

    Args:
        directory: the collection's; the caller holds its merge lock.
        generations, writer: of it.
        keep: at least 1.
    """
    served, numbers = generations.served_number(), generations.numbers()
    kept = {served, *numbers[-keep:]}
    left = [n for n in [0, *numbers] if n in kept or not _removed(generations, n)]
    _remove_pins(generations, {*left, served})
    if 0 in left:
        return  # somebody needs the whole log
    try:
        snapshots = [generations.open(number) for number in left]
    except MitameError:
        return  # one that can't be opened does not say what it needs
    at = min(snapshot.position for snapshot in snapshots)
    _cut_journal(writer, at)
    layouts, dropped = writer.transact(_lenses)
    needed = {key: covered_rows(snapshots, key) for key in layouts}
    _cut_log(directory, writer, layouts, needed)
    gone = [key for key, position in dropped.items() if position <= at]
    _remove_dropped(directory, writer, gone)
    if len(gone) == len(dropped):
        begun = [layout for key, layout in layouts.items() if needed[key] < layout.first_rows]
        _remove_first_files(directory, {layout.first_file or "" for layout in begun})


def _removed(generations: Generations, number: int) -> bool:
    """Whether a generation is gone, which it is unless somebody serves it."""
    try:
        with generations.pin(number, alone=True):
            generations.folder.remove(name_of(number))
            generations.folder.sync()
            return True
    except CollectionBusy:
        return False


def _remove_pins(generations: Generations, left: set[int]) -> None:
    for name in generations.folder.names():
        number = pinned_number(name)
        if number is not None and number not in left:
            with suppress(CollectionBusy), generations.pin(number, alone=True):
                generations.folder.remove(pin_name(number))


def _lenses(
    connection: sqlite3.Connection, table: LensTable
) -> tuple[dict[int, LogLayout], dict[int, int]]:
    """Layouts by lens key, and the positions at which lenses were dropped, by key."""
    layouts = {entry.key: entry.log for entry in table.stored.values()}
    return layouts, dict(connection.execute("SELECT lens, position FROM dropped_lenses"))


def _cut_journal(writer: Writer, at: int) -> None:
    """Delete the journal and the dead rows up to a position that every snapshot has."""

    def note(connection: sqlite3.Connection, _: LensTable) -> None:
        connection.execute("UPDATE state SET journal_from = max(journal_from, ?)", (at,))

    def cut(connection: sqlite3.Connection, _: LensTable) -> bool:
        first = connection.execute("SELECT min(position) FROM journal").fetchone()[0]
        to = at if first is None else min(at, first + _PAGE)
        connection.execute("DELETE FROM journal WHERE position <= ?", (to,))
        connection.execute("DELETE FROM dead_rows WHERE position <= ?", (to,))
        return bool(to < at)

    writer.transact(note)
    while writer.transact(cut):
        pass


def _cut_log(
    directory: Directory,
    writer: Writer,
    layouts: Mapping[int, LogLayout],
    needed: Mapping[int, int],
) -> None:
    """Remove the files of the log whose rows are all below the needed ones."""
    log = directory.child(LOG)
    for key, layout in layouts.items():
        while _cut_appends(writer, key, layout.file_of(needed[key]).first):
            pass
    for name in log.names():
        key, first = segment_of(name) or (-1, 0)
        if key in layouts and layouts[key].file_of(first).end <= needed[key]:
            log.remove(name)
    log.sync()


def _cut_appends(writer: Writer, key: int, row: int) -> bool:
    """Delete a page of a lens's checksums of rows below one; true while there are more."""

    def cut(connection: sqlite3.Connection, _: LensTable) -> bool:
        done = connection.execute(
            "DELETE FROM appends WHERE lens = ?1 AND first IN (SELECT first FROM appends"
            " WHERE lens = ?1 AND first < ?2 ORDER BY first LIMIT ?3)",
            (key, row, _PAGE),
        )
        return done.rowcount == _PAGE

    return writer.transact(cut)


def _remove_dropped(directory: Directory, writer: Writer, keys: Sequence[int]) -> None:
    """Remove the logs of lenses that were dropped before the oldest snapshot."""
    log = directory.child(LOG)
    for name in log.names():
        if (segment_of(name) or (-1, 0))[0] in keys:
            log.remove(name)
    log.sync()

    def forget(connection: sqlite3.Connection, _: LensTable) -> None:
        rows = [(key,) for key in keys]
        connection.executemany("DELETE FROM dropped_lenses WHERE lens = ?", rows)

    if keys:
        writer.transact(forget)


def _remove_first_files(directory: Directory, needed: set[str]) -> None:
    """Remove the files of format 1 that are not needed any more."""
    for name in directory.names():
        if name.startswith("vectors-") and name.endswith(".f32") and name not in needed:
            directory.remove(name)
