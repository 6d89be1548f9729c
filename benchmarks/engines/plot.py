"""Recall against queries per second, one line per build, as a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.engines.recall import TARGETS, Point, front

_OURS = "mitame"
_STYLES = ("-", "--", ":", "-.")
"""One for each ten builds: there are more builds than colours one can tell apart."""


def draw(curves: Mapping[str, Sequence[Point]], title: str, file: Path) -> bool:
    """The Pareto fronts; False, with a word on the terminal, where matplotlib is missing."""
    if find_spec("matplotlib") is None:
        print("no plot: matplotlib is not installed")
        return False
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    plots: Any = import_module("matplotlib.pyplot")
    figure, axes = plots.subplots(figsize=(11, 7), layout="constrained")
    colours = plots.get_cmap("tab10")
    for number, (label, points) in enumerate(sorted(curves.items())):
        best = front(points)
        own = label.startswith(_OURS)
        axes.plot(
            [max(1 - point.recall, 1e-4) for point in best],
            [point.rate for point in best],
            label=label,
            marker="o" if own else ".",
            linewidth=2.5 if own else 1,
            linestyle=_STYLES[number // 10 % len(_STYLES)],
            color="black" if own else colours(number % 10),
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_xaxis()
    axes.set_xticks([1 - target for target in TARGETS], [f"{target:g}" for target in TARGETS])
    axes.minorticks_off()
    axes.set_xlabel("recall")
    axes.set_ylabel("queries per CPU second, one core")
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, dpi=130)
    plots.close(figure)
    return True
