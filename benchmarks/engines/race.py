"""Build everything, find out what recall each effort has, then time it all in turns.

The order is: each contender builds, one at a time, in a process of its own; each effort's recall is
measured once over all queries (which also warms it up); then rounds: in every round each contender
times each of its efforts once, one contender at a time, so that a noisy minute hits all alike.
Efforts that matter to no target recall are not timed: see `worth`.

Where memory doesn't hold all indexes at once, there are several heats; the contenders named as
anchors run in each, so that heats can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.engines.entrant import Entrant, Failed
from benchmarks.engines.memory import available
from benchmarks.engines.peers.peer import Contender
from benchmarks.engines.recall import TARGETS

Row = dict[str, Any]
Note = Callable[[Row], None]

FLOOR = TARGETS[0] - 0.05
"""Efforts with a recall below this are not timed: no target is interpolated from them."""
ENOUGH = 0.9995
"""A sweep ends with the first effort that has this recall: more only costs."""
BATCH_RECALL = 0.99


@dataclass(frozen=True)
class Rules:
    """How it is run.

    Attributes:
        k: neighbours per query.
        rounds: how often each effort is timed.
        seconds: the most that one timing takes; shorter where all queries are done before.
        measuring: seconds, the most that the recall of one effort takes.
        building: seconds after which a build is given up.
        threads: of a build; CPU seconds are counted, so more only saves waiting.
        core: that queries run on; any when None.
        batches: also time all queries in one call, on all cores.
        anchors: words in the labels of those that run in every heat.
    """

    k: int = 10
    rounds: int = 3
    seconds: float = 2.0
    measuring: float = 60.0
    building: float = 7_200.0
    threads: int = 1
    core: int | None = None
    batches: bool = True
    anchors: tuple[str, ...] = ("mitame cascade",)


@dataclass
class _Built:
    entrant: Entrant
    efforts: list[tuple[Any, Row]] = field(default_factory=list)


def run(
    folder: Path, contenders: Sequence[Contender], rules: Rules, note: Note, logs: Path
) -> None:
    """Measure contenders on a set; each row of the result is given to `note` when it is known.

    Args:
        folder: of the set.
        contenders: installed ones.
        rules: how.
        note: takes rows: ``build``, ``point``, ``batch`` and ``failed``.
        logs: folder for what libraries print.
    """
    left = list(contenders)
    anchors = [each for each in left if any(word in each.label for word in rules.anchors)]
    heat = 0
    while left:
        with ExitStack() as stack:
            runners: list[_Built] = []
            again = [each for each in anchors if each not in left]
            others = 0
            for contender in again + left:
                if others and _is_short(folder):
                    break
                others += contender not in anchors  # one at least, so that each heat gets on
                built = _build(stack, folder, contender, rules, note, logs)
                if built is not None:
                    runners.append(built)
                if contender in left:
                    left = [each for each in left if each is not contender]
            if left:
                print(f"memory is short: {len(left)} are left for another heat", flush=True)
            _rounds(runners, rules, note, heat)
        heat += 1


def _is_short(folder: Path) -> bool:
    """Whether another index, as large as the rows and half as much again, might not fit."""
    rows = (folder / "rows.npy").stat().st_size / 1e6
    return available() < 3 * rows + 500


def _build(
    stack: ExitStack, folder: Path, contender: Contender, rules: Rules, note: Note, logs: Path
) -> _Built | None:
    about = {"label": contender.label, "family": contender.family, "version": contender.version}
    print(f"building {contender.label} ...", end="", flush=True)
    entrant = Entrant(folder, contender, rules.core, rules.k, logs / folder.name)
    try:
        figures = entrant.ask("build", threads=rules.threads, limit=rules.building)
        print(f" {figures['cpu']:.1f} CPU s, {figures['memory']:.0f} MB", flush=True)
        built = _Built(entrant)
        note({"kind": "build", **about, "settings": dict(contender.settings), **figures})
        for effort in contender.efforts:
            point = entrant.ask("measure", effort=effort, seconds=rules.measuring)
            built.efforts.append((effort, point))
            if point["recall"] >= ENOUGH:
                break
    except Failed as error:
        print(f" failed: {error}", flush=True)
        note({"kind": "failed", **about, "error": str(error)})
        entrant.close()
        return None
    stack.callback(entrant.close)
    return built


def worth(points: Sequence[Row], floor: float = FLOOR) -> list[int]:
    """Which of a sweep's points are timed: those from `floor` up, and the best if none is."""
    kept = [number for number, point in enumerate(points) if point["recall"] >= floor]
    if kept or not points:
        return kept
    return [max(range(len(points)), key=lambda number: float(points[number]["recall"]))]


def _rounds(runners: Sequence[_Built], rules: Rules, note: Note, heat: int) -> None:
    kept = [worth([point for _, point in each.efforts]) for each in runners]
    times: dict[tuple[int, int], list[Row]] = {}
    batches: dict[int, list[Row]] = {}
    lost: set[int] = set()
    for number in range(rules.rounds):
        print(f"round {number + 1} of {rules.rounds} ...", flush=True)
        for runner, each in enumerate(runners):
            if runner in lost:
                continue
            try:
                for point in kept[runner]:
                    effort = each.efforts[point][0]
                    timed = each.entrant.ask("time", effort=effort, seconds=rules.seconds)
                    times.setdefault((runner, point), []).append(timed)
                if rules.batches:
                    effort = each.efforts[_batched(each)][0]
                    timed = each.entrant.ask("batch", effort=effort, seconds=rules.seconds / 2)
                    batches.setdefault(runner, []).append(timed)
            except Failed as error:
                lost.add(runner)
                _note_failure(each.entrant.contender, error, note)
    for (runner, point), found in times.items():
        _note_point("point", runners[runner], point, found, note, heat)
    for runner, found in batches.items():
        _note_point("batch", runners[runner], _batched(runners[runner]), found, note, heat)


def _batched(built: _Built) -> int:
    """The cheapest effort with enough recall for batches; the best one where none has."""
    recalls = [float(point["recall"]) for _, point in built.efforts]
    for number, value in enumerate(recalls):
        if value >= BATCH_RECALL:
            return number
    return max(range(len(recalls)), key=recalls.__getitem__)


def _note_failure(contender: Contender, error: Failed, note: Note) -> None:
    print(f"{contender.label} failed: {error}", flush=True)
    note(
        {
            "kind": "failed",
            "label": contender.label,
            "family": contender.family,
            "version": contender.version,
            "error": str(error),
        }
    )


def _note_point(
    kind: str, built: _Built, point: int, found: Sequence[Row], note: Note, heat: int
) -> None:
    effort, measured = built.efforts[point]
    note(
        {
            "kind": kind,
            "label": built.entrant.contender.label,
            "family": built.entrant.contender.family,
            "effort": effort,
            "recall": measured["recall"],
            "strict": measured["strict"],
            "heat": heat,
            "rounds": list(found),
        }
    )


def rules_row(rules: Rules) -> Row:
    """The rules, as they stand in the result."""
    return {"kind": "rules", **asdict(rules)}
