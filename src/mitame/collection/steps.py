"""What a merge makes from each lens's vectors, in this order: a new one is one line here."""

from __future__ import annotations

from mitame.collection.derived import Step
from mitame.collection.indexing import build_index
from mitame.collection.map_step import build_map
from mitame.collection.neighbor_step import build_table

STEPS: tuple[Step, ...] = (build_index, build_table, build_map)
