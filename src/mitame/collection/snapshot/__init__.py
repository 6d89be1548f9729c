"""Snapshots: immutable generations of a collection, written part by part and opened by mapping.

The format is told in ``docs/format.md``.
"""

from mitame.collection.snapshot.builder import SnapshotBuilder
from mitame.collection.snapshot.manifest import MAX_COLUMNS
from mitame.collection.snapshot.optional import OptionalParts, as_json, from_json
from mitame.collection.snapshot.plan import LensPlan, Planned, SnapshotPlan, VectorType
from mitame.collection.snapshot.sealed import Fields, seal, unseal
from mitame.collection.snapshot.snapshot import Snapshot, SnapshotLens

__all__ = [
    "MAX_COLUMNS",
    "Fields",
    "LensPlan",
    "OptionalParts",
    "Planned",
    "Snapshot",
    "SnapshotBuilder",
    "SnapshotLens",
    "SnapshotPlan",
    "VectorType",
    "as_json",
    "from_json",
    "seal",
    "unseal",
]
