"""What was asked, as far as learning needs it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_encode = json.JSONEncoder(separators=(",", ":")).encode  # made once: dumps makes one each time
MAX_ANSWER = 100
"""Ids of an answer that are kept."""


@dataclass(frozen=True)
class AskedQuestion:
    """A question and what was answered.

    Attributes:
        kind: ``id``, ``ids``, ``vector``, ``image``, ``image_url``, ``text`` or ``positive``.
        lens: that was searched.
        fingerprint: of its spec: what the vectors mean.
        position: of the journal.
        ids: items that the question named.
        answer: ids that were answered, nearest first, the first 100.
        filter: as in a query's body; None for none.
        vectors: float32[m, dimension], what was searched with; None where items' own were.
    """

    kind: str
    lens: str | None
    fingerprint: str | None = None
    position: int | None = None
    ids: Sequence[str] = ()
    answer: Sequence[str] = ()
    filter: dict[str, Any] | None = None
    vectors: NDArray[np.float32] | None = None

    def to_json(self, *, vectors: bool) -> dict[str, Any]:
        """As a JSON object; vectors as base64 of little-endian float32, with their shape."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "lens": self.lens,
            "fingerprint": self.fingerprint,
            "position": self.position,
            "ids": list(self.ids),
            "answer": list(self.answer),
            "filter": self.filter,
        }
        if vectors and self.vectors is not None:
            found["shape"] = list(self.vectors.shape)
            found["vectors"] = base64.b64encode(self.vectors.astype("<f4").tobytes()).decode()
        return found

    def stored(self) -> tuple[str, bytes | None, int]:
        """As columns: the rest as JSON, the vectors' bytes, how many there are."""
        text = _encode(self.to_json(vectors=False))
        if self.vectors is None:
            return text, None, 0
        return text, self.vectors.astype("<f4").tobytes(), len(self.vectors)

    @classmethod
    def of_stored(cls, text: str, vectors: bytes | None, count: int) -> AskedQuestion:
        """What `stored` gave.

        Raises:
            ValueError, TypeError: it can't be that.
        """
        rows = None
        if vectors is not None:
            rows = np.frombuffer(vectors, "<f4").reshape(count, -1)
        return cls(**json.loads(text), vectors=rows)
