"""Rows of a table of which the oldest go where room is short, without adding up sizes.

The table has a column ``ends``: where a row would end if all that were ever kept lay one after the
other. So those that are too old are found by a number.
"""

from __future__ import annotations

import sqlite3


def last_end(connection: sqlite3.Connection, table: str) -> int:
    """Where the newest row ends; 0 where there is none.

    Args:
        connection: in a transaction that writes.
        table: its name.
    """
    sql = f"SELECT coalesce(max(ends), 0) FROM {table}"  # noqa: S608 - a name of the program
    return int(connection.execute(sql).fetchone()[0])


def drop_oldest(connection: sqlite3.Connection, table: str, max_bytes: int) -> None:
    """Keep rows that lie within so many bytes of the end, at least one byte of each."""
    end = last_end(connection, table) - max_bytes
    connection.execute(f"DELETE FROM {table} WHERE ends <= ?", (end,))  # noqa: S608 - as above
