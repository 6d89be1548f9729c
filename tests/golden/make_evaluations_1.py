"""Makes ``evaluations-1.sqlite3``: what was measured over time, of format 1.

Made when the format was new, and stays as it is: a later format gets a file of its own.

    python -m tests.golden.make_evaluations_1
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from mitame.collection import Evaluation, EvaluationStore
from mitame.collection.paths import EVALUATIONS

HERE = Path(__file__).parent
FINGERPRINT = "0123456789abcdef" * 4
SCORES = {"share": 0.8125, "first": 0.9, "found": 1.0, "chance": 0.0625}
KEPT = [
    Evaluation(
        "recall",
        "look",
        FINGERPRINT,
        "cascade",
        1_200,
        3,
        200,
        10,
        {"recall": 0.9875},
        1_764_000_000_000_000,
        1,
    ),
    Evaluation(
        "categories",
        "見た目",
        FINGERPRINT,
        "exact",
        1_300,
        0,
        64,
        5,
        SCORES,
        1_764_000_000_000_001,
        2,
    ),
]
"""The oldest first."""


def build(folder: Path) -> Path:
    """Write the file as today's code does."""
    with closing(EvaluationStore(folder)) as store:
        store.add(KEPT)
    return folder / EVALUATIONS


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        (HERE / "evaluations-1.sqlite3").write_bytes(build(Path(folder)).read_bytes())


if __name__ == "__main__":
    main()
