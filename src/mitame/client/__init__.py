"""A served collection from Python: `mitame.Client`, and `mitame.AsyncClient` for asyncio.

Each operation is written once, as a request and a way to read its answer; both clients send it.
"""

from __future__ import annotations

from mitame.client.answers import ServedAnswer, ServedNeighbor
from mitame.client.asking import Client, ServedCollection
from mitame.client.async_asking import AsyncClient, AsyncServedCollection

__all__ = [
    "AsyncClient",
    "AsyncServedCollection",
    "Client",
    "ServedAnswer",
    "ServedCollection",
    "ServedNeighbor",
]
