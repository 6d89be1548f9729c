"""mitame answers one question about pictures: what looks like this?

    import mitame

    shop = mitame.open("data", "shop")
    shop.add("sku-1", image="mug.jpg", category="mug", attributes={"price": 1200})
    answer = shop.search(image="photo.jpg", limit=10, where="category=mug")
    for neighbor in answer.neighbors:
        print(neighbor.id, neighbor.score, neighbor.match)

Names are loaded when first used, so that `import mitame` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mitame.api import Collection, open  # noqa: A004 - mitame.open reads as it should
    from mitame.client import AsyncClient, Client
    from mitame.collection.item import Item, ItemImage
    from mitame.errors import MitameError
    from mitame.ingest import IndexReport
    from mitame.query import Answer, Neighbor

__all__ = [
    "Answer",
    "AsyncClient",
    "Client",
    "Collection",
    "IndexReport",
    "Item",
    "ItemImage",
    "MitameError",
    "Neighbor",
    "__version__",
    "open",
]

_HOMES = {
    "Answer": "mitame.query",
    "AsyncClient": "mitame.client",
    "Client": "mitame.client",
    "Collection": "mitame.api",
    "IndexReport": "mitame.ingest",
    "Item": "mitame.collection.item",
    "ItemImage": "mitame.collection.item",
    "MitameError": "mitame.errors",
    "Neighbor": "mitame.query",
    "open": "mitame.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mitame' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
