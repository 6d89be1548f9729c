"""How fast one worker answers, beside the same worker answering a constant of equal size.

    python -m benchmarks.serving --vectors bench-out/cnn.npz

Kinds of request take turns, round after round, so that whatever else the machine does hits all
of them; what is printed are medians over the rounds and their ratios to the constant's. There are
two parts: with nothing but the snapshot, and beside a writer, with the rows that it has added.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.load import Kind, Loaded, Server, load
from benchmarks.serving.making import NAME, make, vectors
from benchmarks.serving.recall import K, recall
from benchmarks.serving.writing import Writer
from mitame.serving.processes.children import OF_WORKERS

TARGETS = {
    "similar": (0.8, 1.5),
    "similar, 50 PUT/s": (0.6, None),
    "vector, binary": (0.5, None),
    "vector, JSON": (0.5, None),
}
"""Least ratio of rates, and greatest ratio of 99th percentiles, to the constant's."""
_PUTS = ", 50 PUT/s"
_ROUTED = "constant, routed"
_BODIES = 200
_QUERY = f"/v1/collections/{NAME}/query"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=Path, help="npz of benchmarks.engines.cnn; else made")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=1_280)
    parser.add_argument("--asked", type=int, help="ask for the first so many items; else for all")
    parser.add_argument("--data", type=Path, default=Path("bench-out/serving"))
    parser.add_argument("--seconds", type=float, default=10.0, help="per kind and round")
    parser.add_argument("--warm", type=float, default=60.0, help="seconds before the first round")
    parser.add_argument("--settle", type=float, default=10.0, help="seconds before each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--puts", type=float, default=50.0, help="per second")
    parser.add_argument("--answers-mb", type=float, default=600.0)
    parser.add_argument("--recall", type=float, default=0.95, help="that the index is tuned for")
    options = parser.parse_args()
    found = vectors(options.vectors, options.rows, options.dim)
    made = make(options.data, found, options.recall)
    with server(made, options.answers_mb) as one, tempfile.TemporaryDirectory() as scratch:
        quiet, beside = kinds_of(one.port, found, options.asked or len(found), Path(scratch))
        warm = load(one, quiet[1], options.warm, options.connections, 99)
        print(f"while the cache fills: {warm.rate:,.0f}/s, p99 {warm.p99:.1f} ms", flush=True)
        print(f"by vector: recall@{K} {recall_of(one.port, found):.3f}", flush=True)
        report(measured(one, quiet, found, options))
        report(measured(one, beside, found, options))


@contextmanager
def server(data: Path, answers_mb: float) -> Iterator[Server]:
    """A server process over a copy of a data directory: what is written is gone in the end."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "data"
        shutil.copytree(data, copy)
        with _started(copy, answers_mb) as one:
            yield one


@contextmanager
def _started(data: Path, answers_mb: float) -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.serving.server", "--data", str(data)]
    command += ["--answers-mb", str(answers_mb)]
    variables = {**OF_WORKERS, **os.environ}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.fullmatch(r"port (\d+)\n", line)
        if match is None:
            raise RuntimeError(f"the server says {line!r}")
        yield Server(int(match[1]), process.pid)
    finally:
        process.terminate()
        process.wait(30)


def kinds_of(
    port: int, found: NDArray[np.float32], asked: int, scratch: Path
) -> tuple[Sequence[Kind], Sequence[Kind]]:
    """What is asked, of so many items, and what when there is a writer; constants first."""
    before, after = f"/v1/collections/{NAME}/items/", "/similar"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"{before}0{after}")
    size = len(connection.getresponse().read())
    connection.close()
    asking = ("ids", str(asked), before, after)
    constant = Kind("constant", ("ids", "1", f"/constant/{size}?", ""))
    routed = Kind(_ROUTED, ("ids", "1", f"/routed/{size}?", ""))
    sample = found[sample_of(found)]
    binary, texts = [v.tobytes() for v in sample], [vector_json(v) for v in sample]
    by_vector = [
        body_kind("vector, binary", "application/octet-stream", binary, _QUERY, scratch),
        body_kind("vector, JSON", "application/json", texts, _QUERY, scratch),
    ]
    similar = Kind("similar", asking)
    written = [Kind(f"{kind.name}{_PUTS}", kind.arguments) for kind in (similar, constant)]
    new_rows = [Kind(f"{kind.name}, new rows", kind.arguments) for kind in by_vector]
    return [constant, similar, routed, *by_vector], [constant, *written, routed, *new_rows]


def sample_of(found: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows whose vectors are asked for."""
    return np.random.default_rng(3).choice(len(found), _BODIES)


def recall_of(port: int, found: NDArray[np.float32]) -> float:
    """Of answers by vector, over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def read(connection: http.client.HTTPConnection, vector: NDArray[np.float32]) -> Sequence[str]:
        headers = {"Content-Type": "application/octet-stream"}
        connection.request("POST", f"{_QUERY}?limit={K}", vector.tobytes(), headers)
        return [each["id"] for each in json.loads(connection.getresponse().read())["neighbors"]]

    with closing(connection):
        return recall(connection, read, found, sample_of(found))


def vector_json(vector: NDArray[np.float32]) -> bytes:
    """The body of a question by a vector, float32[dimension]."""
    numbers = ",".join(repr(float(value)) for value in vector)
    return b'{"vector":[%b]}' % numbers.encode()


def body_kind(name: str, media: str, bodies: Sequence[bytes], path: str, scratch: Path) -> Kind:
    """Bodies that are sent to a path, any of them at a time; they lie in files of the scratch."""
    file, sizes = scratch / f"{name}.bin", scratch / f"{name}.sizes"
    file.write_bytes(b"".join(bodies))
    sizes.write_text("".join(f"{len(body)}\n" for body in bodies))
    return Kind(name, ("bodies", str(file), str(sizes), media, path))


def measured(
    server: Server, kinds: Sequence[Kind], found: NDArray[np.float32], options: argparse.Namespace
) -> dict[str, list[Loaded]]:
    """What each kind gave, round by round."""
    results: dict[str, list[Loaded]] = {kind.name: [] for kind in kinds}
    for number in range(options.rounds):
        # What the last round's writer has left to be looked at is not this round's affair.
        load(server, kinds[1], options.settle, options.connections, 2_000 + number)
        for kind in kinds:
            rate = options.puts if kind.name.endswith(_PUTS) else 0.0
            with Writer(server.port, found, rate) as writer:
                one = load(server, kind, options.seconds, options.connections, 1_000 + number)
            results[kind.name].append(one)
            wrote = f", {writer.puts} puts, {writer.failed} failed" if rate else ""
            print(
                f"round {number}: {kind.name:24} {one.rate:8,.0f}/s p50 {one.p50:6.1f}"
                f" p99 {one.p99:6.1f} ms, {one.cpu:5.0f} us, {one.errors} errors{wrote}",
                flush=True,
            )
    return results


def report(results: Mapping[str, Sequence[Loaded]]) -> None:
    """Medians, ratios to the constant's round by round, and how far off each target is.

    The third ratio is the constant's processor time per answer to the kind's: the first one, if
    nothing but the server's processor set the rate. The fourth is of rates, to those of a constant
    that an ordinary route answers.
    """
    names = ("kind", "answers/s", "p50 ms", "p99 ms", "CPU us", "rate", "p99", "constant's CPU")
    print(f"| {' | '.join((*names, 'routed', 'target'))} |")
    print("|---" * (len(names) + 2) + "|")
    constant, routed = results["constant"], results[_ROUTED]
    for name, rounds in results.items():
        rate = statistics.median(a.rate / b.rate for a, b in zip(rounds, constant, strict=True))
        tail = statistics.median(a.p99 / b.p99 for a, b in zip(rounds, constant, strict=True))
        beside = statistics.median(a.rate / b.rate for a, b in zip(rounds, routed, strict=True))
        less = statistics.median(b.cpu / a.cpu for a, b in zip(rounds, constant, strict=True))
        fields = ("rate", "p50", "p99", "cpu")
        middle = [statistics.median(getattr(each, f) for each in rounds) for f in fields]
        print(
            f"| {name} | {middle[0]:,.0f} | {middle[1]:.1f} | {middle[2]:.1f}"
            f" | {middle[3]:.0f} | {rate:.2f} | {tail:.2f} | {less:.2f} | {beside:.2f}"
            f" | {_verdict(name, rate, tail)} |"
        )


def _verdict(name: str, rate: float, tail: float) -> str:
    if name not in TARGETS:
        return ""
    least, most = TARGETS[name]
    parts = [f"rate at least {least}: {_off(rate / least - 1)}"]
    if most is not None:
        parts.append(f"p99 at most {most}: {_off(1 - tail / most)}")
    return "; ".join(parts)


def _off(margin: float) -> str:
    return f"met, {margin:+.0%}" if margin >= 0 else f"missed by {-margin:.0%}"


if __name__ == "__main__":
    main()
