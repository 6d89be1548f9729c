"""What a tuning found, kept with the collection: JSON for programs, a page and a picture."""

from __future__ import annotations

import html
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mitame.choosing.drawing import png
from mitame.choosing.measurement import Trial
from mitame.choosing.pick import candidate
from mitame.choosing.plot import plot, svg
from mitame.choosing.tuner import Tuning
from mitame.choosing.wish import size_text, time_text
from mitame.storage import LocalDirectory

REPORTS = "reports"
"""The folder in a collection's directory; nothing in it is needed to open the collection."""
_LARGEST = 4 << 20
_NAMES = {"lens", "rows", "questions", "wish", "choice", "measured", "trials"}


def write_report(tuning: Tuning, collection: Path, lens: str) -> Path:
    """Write the report of a lens's tuning, in place of the one before.

    Args:
        tuning: what was found.
        collection: the collection's directory.
        lens: its name.

    Returns:
        The page: ``reports/tuning-LENS.html``; beside it ``.json`` and ``.png``.

    Raises:
        StorageError: the disk does not let us.
    """
    name = f"tuning-{lens}"
    drawn = plot(tuning.trials, tuning.wish.recall, tuning.point)
    directory = LocalDirectory(collection).child(REPORTS)
    directory.replace(f"{name}.json", json.dumps(to_json(tuning, lens), indent=1).encode())
    directory.replace(f"{name}.png", png(drawn))
    picture = svg(drawn, title="Recall and speed of what was measured")
    directory.replace(f"{name}.html", _page(tuning, lens, picture).encode())
    return collection / REPORTS / f"{name}.html"


def read_report(collection: Path, lens: str) -> dict[str, Any] | None:
    """The report of a lens's last tuning, as `to_json` has it; None where there is none to read.

    Nothing depends on it: a damaged one is as good as none, and the next tuning replaces it.

    Args:
        collection: the collection's directory.
        lens: its name.
    """
    try:
        with (collection / REPORTS / f"tuning-{lens}.json").open("rb") as file:
            data = file.read(_LARGEST + 1)
        found = json.loads(data) if len(data) <= _LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() >= _NAMES else None


def to_json(tuning: Tuning, lens: str) -> dict[str, Any]:
    """A tuning as a JSON object."""
    return {
        "lens": lens,
        "rows": tuning.rows,
        "dimension": tuning.dimension,
        "distance": tuning.distance,
        "wish": asdict(tuning.wish),
        "questions": tuning.questions,
        "seconds": round(tuning.seconds, 1),
        "choice": tuning.choice.as_dict(),
        "measured": asdict(tuning.point),
        "trials": [trial.to_json() for trial in tuning.trials],
    }


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
svg { width: 100%; height: auto }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, td.text { text-align: left }
tr.chosen { font-weight: 600; background: #f2f7fb }
"""


def _page(tuning: Tuning, lens: str, picture: str) -> str:
    why = html.escape(tuning.choice.why)
    about = (
        f"{tuning.rows:,} vectors of {tuning.dimension} floats, {tuning.distance}; "
        f"{tuning.questions} rows of the collection were asked for their {tuning.wish.k} nearest "
        f"and compared with the truth. The dashed line is the recall that was wished for, the "
        f"ring what was chosen; dashed curves are carried on from samples."
    )
    rows = "\n".join(_row(trial, tuning) for trial in _in_order(tuning))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tuning of {html.escape(lens)}</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>Which engine for {html.escape(lens)}?</h1>
<p><strong>{why}</strong></p>
<p>{html.escape(about)}</p>
{picture}
<table><thead><tr><th>engine</th><th>settings</th><th>effort</th><th>recall@{tuning.wish.k}</th>
<th>queries / CPU s</th><th>p50</th><th>p99</th><th>build</th><th>memory</th></tr></thead>
<tbody>
{rows}
</tbody></table></body></html>
"""


def _in_order(tuning: Tuning) -> list[Trial]:
    """The chosen one first, then the quickest that have the recall, then what was skipped."""

    def key(trial: Trial) -> tuple[bool, bool, bool, float]:
        if not trial.points:
            return (True, True, True, 0.0)
        found = candidate(trial, tuning.wish)
        return (not _is_chosen(trial, tuning), False, not found.reaches, found.point.cpu_seconds)

    return sorted(tuning.trials, key=key)


def _is_chosen(trial: Trial, tuning: Tuning) -> bool:
    choice = tuning.choice
    return bool(trial.points) and (trial.engine, dict(trial.settings)) == (
        choice.engine,
        dict(choice.settings),
    )


def _row(trial: Trial, tuning: Tuning) -> str:
    name = html.escape(trial.engine)
    settings = html.escape(trial.settings_text)
    if not trial.points:
        why = html.escape(trial.skipped or "")
        cells = f'<td class="text">{settings}</td><td class="text" colspan="7">{why}</td>'
        return f"<tr><td>{name}</td>{cells}</tr>"
    point = tuning.point if _is_chosen(trial, tuning) else candidate(trial, tuning.wish).point
    numbers = [
        f"{point.effort:.2f}",
        f"{point.recall:.3f}",
        f"{point.rate:,.0f}",
        time_text(point.p50),
        time_text(point.p99),
        time_text(trial.build_seconds),
        size_text(trial.memory),
    ]
    mark = " (carried on)" if trial.extrapolated else ""
    kind = ' class="chosen"' if _is_chosen(trial, tuning) else ""
    rest = "".join(f"<td>{html.escape(cell)}</td>" for cell in numbers)
    return f'<tr{kind}><td>{name}{mark}</td><td class="text">{settings}</td>{rest}</tr>'
