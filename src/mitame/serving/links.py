"""Paths on this server that answers name."""

from __future__ import annotations

from urllib.parse import quote


def thumbnail(collection: str, item_id: str) -> str:
    """The path of an item's thumbnail."""
    return f"/v1/collections/{quote(collection, safe='')}/items/{quote(item_id, safe='')}/thumbnail"
