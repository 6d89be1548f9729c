"""What an item is right now, in a few letters: the same as long as nothing of it has changed."""

from __future__ import annotations

import hashlib
import sqlite3

_DIGITS = 32


def item_tag(connection: sqlite3.Connection, key: int) -> str:
    """A tag of 32 hexadecimal digits.

    It covers the item's own row, its images, and which rows of the log its vectors are. Keys of
    items and rows of the log are never used again, so an item that was removed and added anew, or
    that was given other vectors, has another tag, whatever else is equal. A merge changes none.

    Args:
        connection: in a transaction.
        key: of an item that is there.
    """
    parts = (
        "SELECT key, id, category, attributes FROM items WHERE key = ?",
        "SELECT * FROM images WHERE item = ? ORDER BY ordinal",
        "SELECT ordinal, lens, row FROM vectors WHERE item = ? ORDER BY ordinal, lens",
    )
    rows = [connection.execute(sql, (key,)).fetchall() for sql in parts]
    return hashlib.sha256(repr(rows).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
