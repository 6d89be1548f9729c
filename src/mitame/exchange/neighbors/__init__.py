"""The neighbour table written out, for services that answer from their own database.

    from mitame.exchange.neighbors import write_neighbors

    write_neighbors(collection, "neighbors.parquet", limit=20)

| target | what is there |
|---|---|
| ``FILE.parquet``, ``FILE.csv`` | a row per neighbour: item, rank, neighbor, distance, score, ... |
| ``FILE.jsonl`` | an object per item, with the list of its neighbours |
| ``postgresql://...?table=NAME`` | a table of the same columns, replaced in one transaction |
| ``redis://...?prefix=NAME`` | a key per item, and one that names the version to read |

Readers see the old lists or the new ones, never some of each.
"""

from mitame.exchange.neighbors.listing import ListedNeighbor, NeighborsOf
from mitame.exchange.neighbors.writing import NeighborsReport, write_neighbors

__all__ = ["ListedNeighbor", "NeighborsOf", "NeighborsReport", "write_neighbors"]
