"""Answers from inside nginx beside a static file of their size, in turns.

    python -m benchmarks.serving.nginx --data DIR --collection shop

Two figures: requests per second as wrk sees them, and CPU of nginx's worker per request. Where wrk
and nginx share a core the second is the one to trust: wrk's own work flatters the first.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mitame.collection.root import generation_of
from mitame.collection.snapshot import Snapshot
from mitame.storage import LocalDirectory
from tests.deploy.running_nginx import NGINX, Nginx, configured, free_port

TARGET = 0.7
"""Of the static file's rate."""
_SAMPLE = 200
_OPENING_SECONDS = 60
_STATIC = """
    location = /static.json {
        root %s;
        open_file_cache max=100;
        open_file_cache_valid 60s;
        access_log off;
    }

    location = /nns {
        access_log off;"""
_SCRIPT = """
local paths = {%s}
local next_ = 0
request = function()
    next_ = next_ %% #paths + 1
    return wrk.format("GET", "%s" .. paths[next_])
end
"""


@dataclass(frozen=True)
class Round:
    """What one run of wrk gave.

    Attributes:
        rate: requests per second.
        cpu_us: microseconds of the worker's CPU per request.
        p99_ms: milliseconds.
        wrong: answers other than 2xx or 3xx, and errors of connections.
    """

    rate: float
    cpu_us: float
    p99_ms: float
    wrong: int


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]  # wrk's own form
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _round(nginx: Nginx, script: Path, arguments: argparse.Namespace) -> Round:
    url = f"http://127.0.0.1:{nginx.port}"
    load = ["-t1", f"-c{arguments.connections}", f"-d{arguments.seconds}s", "--latency"]
    (worker,) = nginx.workers()
    before = _cpu_seconds(worker)
    printed = subprocess.run(
        ["wrk", *load, "-s", str(script), url], capture_output=True, text=True, check=True
    ).stdout
    spent = _cpu_seconds(worker) - before
    asked = int(re.search(r"(\d+) requests in", printed)[1])  # type: ignore[index]  # wrk always says so
    wrong = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", printed)))
    for counts in re.findall(r"Socket errors: (.*)", printed):
        wrong += sum(map(int, re.findall(r"\d+", counts)))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])  # type: ignore[index]  # likewise
    slow = _milliseconds(re.search(r"99%\s+(\S+)", printed)[1])  # type: ignore[index]  # likewise
    return Round(rate, spent / asked * 1e6, slow, wrong)


def _script(folder: Path, name: str, ids: Sequence[str], begin: str) -> Path:
    path = folder / f"{name}.lua"
    path.write_text(_SCRIPT % (",".join(f'"{each}"' for each in ids), begin))
    return path


def _ids(data: Path, collection: str, count: int) -> list[str]:
    """Ids of items of the served generation, in no order."""
    folder = data / collection
    number = generation_of((folder / "manifest.json").read_bytes(), LocalDirectory(folder))
    snapshot = Snapshot.open(LocalDirectory(folder / "snapshots" / f"{number:06}"))
    keys = np.flatnonzero(snapshot.alive).tolist()
    found = random.Random(0).sample(keys, min(count, len(keys)))
    return [item for key in found if (item := snapshot.id_of(key)) is not None]


def _nginx(folder: Path, port: int, data: Path, collection: str) -> Nginx:
    changes = {
        "/usr/share/mitame/lua": str(NGINX / "lua"),
        "/var/lib/mitame": str(data),
        'collection = "default"': f'collection = "{collection}"',
        'upstream = "@mitame",': "",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "\n    location = /nns {": _STATIC % folder,
    }
    http = "sendfile on; tcp_nodelay on; keepalive_requests 100000000;\n"
    return Nginx(folder / "nginx", http + configured("inside.conf", changes), port, lua=True)


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        found: bytes = answer.read()
        return found


def _wait(port: int, path: str) -> None:
    """Until the generation is open."""
    until = time.monotonic() + _OPENING_SECONDS
    while time.monotonic() < until:
        try:
            _get(port, path)
        except urllib.error.HTTPError as error:
            error.close()
            time.sleep(0.01)
        else:
            return
    raise SystemExit("nginx can't open the collection")


def _typical(port: int, ids: Sequence[str], begin: str) -> bytes:
    """The answer of median length."""
    answers = sorted((_get(port, begin + each) for each in ids[:_SAMPLE]), key=len)
    return answers[len(answers) // 2]


def measure(folder: Path, arguments: argparse.Namespace) -> list[tuple[Round, Round]]:
    """Rounds of the static file and of the answers, one after the other."""
    begin = f"/nns?category_id=&limit={arguments.limit}&product_id="
    ids, port = _ids(arguments.data, arguments.collection, 20_000), free_port()
    with _nginx(folder, port, arguments.data, arguments.collection) as nginx:
        _wait(port, begin + ids[0])
        body = _typical(port, ids, begin)
        (folder / "static.json").write_bytes(body)
        print(f"{len(body)} bytes, e.g. {body[:60].decode()}...", flush=True)
        inside = _script(folder, "inside", ids, begin)
        static = _script(folder, "static", ids, "/static.json?product_id=")
        return [
            (_round(nginx, static, arguments), _round(nginx, inside, arguments))
            for _ in range(arguments.rounds)
        ]


def _told(name: str, rounds: Sequence[Round]) -> Round:
    median = statistics.median
    made = Round(
        median(each.rate for each in rounds),
        median(each.cpu_us for each in rounds),
        median(each.p99_ms for each in rounds),
        sum(each.wrong for each in rounds),
    )
    print(
        f"{name:<22}{made.rate:>12,.0f}/s{made.cpu_us:>10.1f} us CPU"
        f"{made.p99_ms:>10.2f} ms p99{made.wrong:>6} wrong"
    )
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collection", default="shop")
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed")
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(Path(folder), arguments)
    static = _told("static file", [each for each, _ in rounds])
    inside = _told("inside nginx, /nns", [each for _, each in rounds])
    print(f"rate: {inside.rate / static.rate:.2f} of the static file (target {TARGET})")
    print(f"by CPU: {static.cpu_us / inside.cpu_us:.2f}")


if __name__ == "__main__":
    main()
