"""Which engine a lens is searched with, as it was chosen; kept with the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mitame.errors import CorruptCollection, UsageError

MAX_JSON = 65_536
DEFAULT_RECALL = 0.95
DEFAULT_K = 10
_LONGEST = 1_000


@dataclass(frozen=True)
class Choice:
    """An engine, how to build it, how hard to search it, and why it was chosen.

    Attributes:
        engine: its name in the catalogue.
        settings: for `Engine.build`.
        effort: for `Searchable.search`; the engine's default where None.
        recall: the recall that was wished for, above 0, at most 1.
        k: of how many neighbours.
        why: in one line.

    Raises:
        UsageError: a value that can't be one.
    """

    engine: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    effort: float | None = None
    recall: float = DEFAULT_RECALL
    k: int = DEFAULT_K
    why: str = ""

    def __post_init__(self) -> None:
        wrong = [
            (not 1 <= len(self.engine) <= 40, "its engine"),
            (self.effort is not None and not 0 <= self.effort <= 1, "its effort"),
            (not 0 < self.recall <= 1, "its recall"),
            (not 1 <= self.k <= 10_000, "its k"),
            (len(self.why) > _LONGEST, "its reason"),
        ]
        for is_wrong, what in wrong:
            if is_wrong:
                raise UsageError(f"this can't be chosen: {what}")

    @property
    def is_plain(self) -> bool:
        """Every vector is looked at, and nothing needs to be built for that."""
        return self.engine == "exact" and not self.settings

    def to_json(self) -> str:
        """As one line of JSON.

        Raises:
            UsageError: the settings have what JSON can't hold, or too much of it.
        """
        try:
            text = json.dumps(self.as_dict(), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"the settings of {self.engine} can't be kept: {error}") from error
        if len(text) > MAX_JSON:
            raise UsageError(f"the settings of {self.engine} are too long to be kept")
        return text

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name, as JSON has them."""
        return {
            "engine": self.engine,
            "settings": dict(self.settings),
            "effort": self.effort,
            "recall": self.recall,
            "k": self.k,
            "why": self.why,
        }

    @classmethod
    def from_json(cls, text: str) -> Choice:
        """What `to_json` wrote.

        Raises:
            CorruptCollection: it is something else.
        """
        try:
            content = json.loads(text[: MAX_JSON + 1])
        except (ValueError, TypeError, RecursionError) as error:
            raise CorruptCollection("a choice of an engine can't be read") from error
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Any) -> Choice:
        """What `as_dict` gave, read from JSON.

        Raises:
            CorruptCollection: it is something else.
        """
        try:
            return cls(
                str(content["engine"]),
                dict(content["settings"]),
                None if content["effort"] is None else float(content["effort"]),
                float(content["recall"]),
                int(content["k"]),
                str(content["why"]),
            )
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise CorruptCollection("a choice of an engine can't be read") from error
        except UsageError as error:
            raise CorruptCollection(error.message) from error
