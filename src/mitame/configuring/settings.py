"""Which settings there are, of which kind and in which bounds: from the fields of `ServeConfig`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_type_hints

from mitame.config import LimitsConfig, ServeConfig

Kind: TypeAlias = Literal["text", "path", "integer", "number", "flag", "texts"]

PREFIX = "MITAME_SERVE_"
FILE_VARIABLE = "MITAME_CONFIG"
_DATA_VARIABLE = "MITAME_DATA"
"""As of every other command."""
_MOST = 1_000_000_000
_MEGABYTES = (0.001, 1_000_000)

RANGES: dict[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "workers": (1, 256),
    "threads": (1, 1_024),
    "follow_seconds": (0.1, 1_000_000),
    "answers_mb": (0, 1_000_000),
    "grace_seconds": (0, 3_600),
    "limits.body_mb": _MEGABYTES,
    "limits.batch_body_mb": _MEGABYTES,
    "limits.bodies_mb": _MEGABYTES,
    "limits.pixels": (1, 10_000_000_000),
    "limits.batch_rows": (1, 10_000_000),
    "limits.dimension": (1, 65_536),
    "limits.header_kb": (1, 1_024),
    "limits.in_flight": (1, 1_000_000),
    "limits.waiting": (0, 1_000_000),
    "limits.read_seconds": (0.1, 3_600),
    "limits.answer_seconds": (0.1, 86_400),
    "limits.keep_alive_seconds": (1, 3_600),
    "limits.connections": (1, 1_000_000),
    "limits.requests_per_second": (0, _MOST),
    "limits.slowest_kb_per_second": (0, 1_000_000),
    "limits.failed_keys_per_minute": (1, 1_000_000),
    "limits.copies_mb": (0, 1_000_000),
    "limits.thumbnails_mb": (0, 1_000_000),
    "limits.feedback_mb": (0.1, 1_000_000),
}
CHOICES: dict[str, tuple[int, ...]] = {"remove_unknown": (200, 422)}

_KINDS: dict[object, Kind] = {
    str: "text",
    Path: "path",
    int: "integer",
    float: "number",
    bool: "flag",
    bool | None: "flag",
    tuple[str, ...]: "texts",
}


@dataclass(frozen=True)
class Setting:
    """One of them.

    Attributes:
        name: as in the file; with a dot where it stands in a table.
        kind: of its value.
        lowest, highest: of a number.
        choices: of a number, where only some are allowed.
    """

    name: str
    kind: Kind
    lowest: float = 0
    highest: float = _MOST
    choices: tuple[int, ...] = ()

    def wanted(self) -> str:
        """What can be written, for people."""
        if self.choices:
            return "write " + " or ".join(map(str, self.choices))
        texts: dict[Kind, str] = {
            "text": "write text in quotes",
            "path": "write a path in quotes",
            "flag": "write true or false",
            "texts": "write a list of texts",
        }
        if self.kind in texts:
            return texts[self.kind]
        what = "a whole number" if self.kind == "integer" else "a number"
        return f"write {what} from {self.lowest:,} to {self.highest:,}"


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    if name == "data":
        return _DATA_VARIABLE
    return PREFIX + name.upper().replace(".", "_")


def _settings() -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for prefix, kind in (("", ServeConfig), ("limits.", LimitsConfig)):
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            if field.name == "limits":
                continue
            name = prefix + field.name
            lowest, highest = RANGES.get(name, (0, _MOST))
            choices = CHOICES.get(name, ())
            found[name] = Setting(name, _KINDS[hints[field.name]], lowest, highest, choices)
    return found


SETTINGS: dict[str, Setting] = _settings()
"""All of them by name, in the order of the fields."""
