"""Whether parts have the lengths that their sizes say: what the native module checks, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.shape import (
    BLOCK,
    FINE_AXES,
    LINE,
    NODE,
    NODE_BYTES,
    PROJECTED,
    TAIL,
    residual_lines,
    rounded,
)

Parts = Mapping[str, NDArray[Any]]
_BLOCKS = 2**25
"""Most blocks of a table: numbers of places, doubled, still fit into 32 bits."""


def check_parts(parts: Parts, sizes: Mapping[str, int]) -> None:
    """Types and lengths of the parts.

    Raises:
        ValueError: one is missing, or has another.
    """
    _check_sizes(sizes)
    for name, (dtype, length) in wanted_of(parts, sizes).items():
        if name not in parts:
            raise ValueError(f"part {name} is missing")
        if parts[name].dtype != dtype or parts[name].size != length:
            raise ValueError(f"part {name} has another type or length")
        few = name == "mean" or name.endswith(("-steps", "-step"))
        if few and not np.isfinite(parts[name]).all():
            raise ValueError(f"part {name} is not finite")


def wanted_of(parts: Parts, s: Mapping[str, int]) -> dict[str, tuple[type[np.generic], int]]:
    """Type and number of elements of each part, ``vectors`` too.

    Args:
        parts: by name; whether optional ones are wanted depends on whether they are there.
        s: the sizes.
    """
    roots, lists, rows = (BLOCK * s[name] for name in ("root_blocks", "list_blocks", "blocks"))
    padded = rounded(s["dimension"], LINE)
    fine = min(FINE_AXES, s["projected"])
    wanted: dict[str, tuple[type[np.generic], int]] = {
        "mean": (np.float32, padded),
        "rotation": (np.uint8, rounded(fine, BLOCK) * padded),
        "rotation-low": (np.uint8, rounded(s["projected"] - fine, BLOCK) // 2 * padded),
        "rotation-steps": (np.float32, s["projected"]),
        "centre-step": (np.float32, 1),
        "roots": (np.uint8, roots * s["coarse"]),
        "root-norms": (np.float32, roots),
        "ids": (np.int32, rows),
        "nodes": (np.uint8, 0 if _has_no_nodes(parts, s) else rows * node_bytes_of(parts, s)),
        "node-steps": (np.float32, NODE + TAIL),
        "vectors": (np.float32, s["rows"] * s["dimension"]),
    }
    for name, owners, count in (("list", roots, lists), ("row", lists, rows)):
        wanted[f"{name}-starts"] = (np.int32, owners + 1)
        wanted[f"{name}-codes"] = (np.uint8, count // BLOCK * line_of(s))
        wanted[f"{name}-norms"] = (np.float32, count)
        wanted[f"{name}-steps"] = (np.float32, s["fours"] + s["twos"])
        wanted[f"{name}-centres"] = (np.uint8, owners * s["coarse"])
    optional: dict[str, tuple[type[np.generic], int]] = {
        "tails": (np.uint8, rows * LINE),
        "inverses": (np.float32, s["rows"]),
    }
    wanted.update({name: it for name, it in optional.items() if name in parts})
    if lines := residual_lines_of(parts, s):
        wanted["residuals"] = (np.uint8, rows * LINE * lines)
    if s["degree"]:
        wanted["edges"] = (np.int32, rows * s["degree"])
    return wanted


def _has_no_nodes(parts: Parts, s: Mapping[str, int]) -> bool:
    """Whether short codes alone choose the exact rows; edges lead from node to node, tails and
    residuals go on where nodes end."""
    needed = s["degree"] or s["tail"] or "tails" in parts or residual_lines_of(parts, s)
    return "nodes" in parts and not (parts["nodes"].size or needed)


def node_bytes_of(parts: Parts, s: Mapping[str, int]) -> int:
    """From one node to the next: tails lie behind them, or are a part of their own in indexes of
    before."""
    return NODE_BYTES + (LINE if s["tail"] and "tails" not in parts else 0)


def residual_lines_of(parts: Parts, s: Mapping[str, int]) -> int:
    """Lines of residuals of each row."""
    return residual_lines(s["projected"]) if "residuals" in parts else 0


def line_of(sizes: Mapping[str, int]) -> int:
    """Bytes of a block of short codes."""
    return LINE * (sizes["fours"] // 8 + sizes["twos"] // 16)


def _check_sizes(s: Mapping[str, int]) -> None:
    """As the native module does."""
    fours, twos, coarse = s["fours"], s["twos"], s["coarse"]
    if not 1 <= s["dimension"] <= 65_536 or not 1 <= s["projected"] <= PROJECTED:
        raise ValueError("dimension or projected is out of range")
    if fours % 16 or twos % 16 or fours < 16 or fours + twos > PROJECTED:
        raise ValueError("short codes have a wrong width")
    if coarse < LINE or coarse % LINE or coarse > PROJECTED:
        raise ValueError("centres have a wrong width")
    if s["degree"] > 256 or not 0 <= s["distance"] <= 2:
        raise ValueError("degree or distance is out of range")
    if max(s["root_blocks"], s["list_blocks"], s["blocks"]) > _BLOCKS:
        raise ValueError("there are too many rows")
