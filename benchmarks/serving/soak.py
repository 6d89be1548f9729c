"""A long time of mixed load: does the service stay as it is?

    python -m benchmarks.serving.soak --seconds 1800

Clients ask, write, embed and merge all the time, at a steady rate, over a steady number of items.
Nothing may fail, of a hundred requests at most one may be put off, and every kind must be answered;
and from the second quarter of the time to the last one the processes' own memory and their open
files must not grow. Files that are mapped are the system's to keep or let go, so memory is what a
process has for itself (RssAnon). After that time the configuration is read anew a few times
(SIGHUP): all workers are replaced while the clients go on, and again nothing may fail. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.soak_load import ABSENT, PUT_OFF, Client, fill

GROWTH = 1.05
"""Memory of the last quarter may be so much of the second quarter's."""
MORE_FILES = 8
"""Files that the last quarter may have more: a connection to a database, a part of the log."""
PUT_OFF_SHARE = 0.01
"""Of all requests, so many may be put off."""
_LOOK_SECONDS = 2.0
_RELOAD_SECONDS = 60.0
_AFTER_RELOAD_SECONDS = 5.0
_SHOWN_EACH = 15


@dataclass(frozen=True)
class Seen:
    """The service's processes at a moment, together.

    Attributes:
        memory: bytes of each.
        files: how many each has open.
        pids: their numbers: the first process, the workers, the runner.
    """

    memory: tuple[int, ...]
    files: tuple[int, ...]
    pids: tuple[int, ...]


def main() -> int:
    """Entry point; 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_800.0)
    parser.add_argument("--warm", type=float, default=60.0, help="seconds before one looks")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between two requests")
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--reloads", type=int, default=3, help="of the configuration, at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data, serving(Path(data), options.workers) as (port, pid):
        fill(port, options.items)
        clients = [
            Client(port, number, options.items, options.pause) for number in range(options.clients)
        ]
        for client in clients:
            client.start()
        time.sleep(options.warm)
        seen = []
        for each in watched(pid, options.seconds):
            seen.append(each)
            if len(seen) % _SHOWN_EACH == 0:
                print(f"{len(seen) * _LOOK_SECONDS:.0f} s: {said(seen[-_SHOWN_EACH:])}", flush=True)
        are_new = [reloaded(pid) for _ in range(options.reloads)]
        for client in clients:
            client.stop()
        return report(seen, clients, options.seconds, have_reloaded=all(are_new))


@contextmanager
def serving(data: Path, workers: int) -> Iterator[tuple[int, int]]:
    """A server; its port and its number."""
    command = [sys.executable, "-m", "mitame", "serve", "--data", str(data), "--port", "0"]
    command += ["--workers", str(workers), "--access-log", str(data / "access.log")]
    # What is bounded must reach its bound while one looks.
    command += ["--set", "answers_mb=4", "--set", "limits.feedback_mb=1", "--gannoy"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+)$", process.stdout.readline().strip())
        if found is None:
            raise RuntimeError("the server did not start")
        yield int(found[1]), process.pid
    finally:
        process.terminate()
        status = process.wait(90)
        print(f"the server ended with status {status}")


def watched(pid: int, seconds: float) -> Iterator[Seen]:
    """What is seen of the service every two seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        pids = (pid, *children_of(pid))
        yield Seen(tuple(map(own_memory, pids)), tuple(map(open_files, pids)), pids)


def reloaded(pid: int) -> bool:
    """Have the configuration read anew, and go on for a while; whether all children are new."""
    before = children_of(pid)
    os.kill(pid, signal.SIGHUP)
    end = time.monotonic() + _RELOAD_SECONDS
    now = before
    while time.monotonic() < end and (set(now) & set(before) or len(now) != len(before)):
        time.sleep(0.1)
        now = children_of(pid)
    time.sleep(_AFTER_RELOAD_SECONDS)
    return len(now) == len(before) and not set(now) & set(before)


def children_of(pid: int) -> list[int]:
    """Numbers of a process' children."""
    text = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return sorted(map(int, text.split()))


def own_memory(pid: int) -> int:
    """Bytes that a process has for itself; 0 for one that has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) * 1_024 if found else 0


def open_files(pid: int) -> int:
    """How many a process has open; 0 for one that has gone."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def report(
    seen: Sequence[Seen], clients: Sequence[Client], seconds: float, *, have_reloaded: bool = True
) -> int:
    """Print what was found; 1 where something did not hold."""
    quarter = len(seen) // 4
    parts = (seen[quarter : 2 * quarter], seen[3 * quarter :])
    memory = [max(sum(each.memory) for each in part) for part in parts]
    # The least: at a moment a process may have a generation's files more, that of before a switch.
    files = [min(sum(each.files) for each in part) for part in parts]
    counts = sum((client.counts for client in clients), Counter[str]())
    failures = [text for client in clients for text in client.failures]
    unanswered = {kind for client in clients for kind in client.kinds} - set(counts)
    holds = {
        "no request failed": not failures,
        "few requests were put off": counts[PUT_OFF] <= PUT_OFF_SHARE * counts.total(),
        "every kind was answered": not unanswered,
        "no process died": seen[0].pids == seen[-1].pids,
        "all were replaced at each reload": have_reloaded,
        "memory stays": memory[1] <= GROWTH * memory[0],
        "open files stay": files[1] <= files[0] + MORE_FILES,
    }
    print(f"{counts.total():,} requests, watched for {seconds:.0f} s: {json.dumps(counts)}")
    for when, part in zip(("second", "last"), parts, strict=True):
        print(f"{when} quarter: {said(part)}")
    print(f"{PUT_OFF}: {counts[PUT_OFF]:,}, {ABSENT}: {counts[ABSENT]:,}")
    print(*failures[:20], *(f"never answered: {kind}" for kind in sorted(unanswered)), sep="\n")
    for name, held in holds.items():
        print(f"{'yes' if held else 'NO '} {name}")
    return 0 if all(holds.values()) else 1


def said(part: Sequence[Seen]) -> str:
    """The most memory and the fewest files that each process had."""
    memory = [max(each) / 1e6 for each in zip(*(one.memory for one in part), strict=False)]
    files = [min(each) for each in zip(*(one.files for one in part), strict=False)]
    shown = " + ".join(f"{each:.1f}" for each in memory)
    return f"own memory {shown} MB, open files {' + '.join(map(str, files))}"


if __name__ == "__main__":
    sys.exit(main())
