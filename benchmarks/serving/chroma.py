"""Questions by vector over HTTP, beside the server of another database: Chroma's.

    python -m benchmarks.serving.chroma --program .venv-chroma/bin/chroma

Chroma (the package chromadb, Apache-2.0) brings its server along; install it into an environment
of its own. Both servers hold the same vectors, are asked the same questions over kept-alive
connections, in turns, and recall is measured over the same HTTP answers.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving.__main__ import body_kind, server
from benchmarks.serving.load import Kind, Loaded, Server, load
from benchmarks.serving.making import NAME, make, vectors
from benchmarks.serving.recall import Floats, K, Reader, recall
from tests.deploy.running_nginx import free_port

_PREFIX = "/api/v2/tenants/default_tenant/databases/default_database/collections"
_BATCH = 500
_SAMPLE = 200


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="the command chroma")
    parser.add_argument("--vectors", type=Path, help="npz of benchmarks.engines.cnn; else made")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=1_280)
    parser.add_argument("--data", type=Path, default=Path("bench-out/serving"))
    parser.add_argument("--recall", type=float, default=0.95, help="that mitame is tuned for")
    parser.add_argument("--search-list", type=int, default=100, help="Chroma's ef_search")
    parser.add_argument("--seconds", type=float, default=10.0, help="per kind and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    found = vectors(options.vectors, options.rows, options.dim)
    made = make(options.data, found, options.recall)
    asked = np.random.default_rng(3).choice(len(found), _SAMPLE)
    with (
        tempfile.TemporaryDirectory() as scratch,
        server(made, 600.0) as own,
        chroma(options.program, found, Path(scratch), options.search_list) as (other, path),
    ):
        kinds = _kinds(found[asked], path, own, other, Path(scratch))
        for name, one, _, read in kinds[1:]:
            share = recall(_connected(one.port), read, found, asked)
            print(f"{name}: recall@{K} {share:.3f}", flush=True)
        _report(kinds, options)


def _kinds(
    sample: Floats, path: str, own: Server, other: Server, scratch: Path
) -> list[tuple[str, Server, Kind, Reader]]:
    """Name, server, what is asked, and how its answer is read."""
    numbers = sample.tolist()
    ours = [json.dumps({"vector": each}).encode() for each in numbers]
    theirs = [json.dumps({"query_embeddings": [each], "n_results": K}).encode() for each in numbers]
    own_path, media = f"/v1/collections/{NAME}/query", "application/json"

    def read_other(connection: http.client.HTTPConnection, vector: Floats) -> Sequence[str]:
        return _read_chroma(connection, path, vector)

    return [
        ("constant", own, Kind("constant", ("ids", "1", "/constant/2000?", "")), _read_own),
        ("mitame, JSON", own, body_kind("own", media, ours, own_path, scratch), _read_own),
        ("Chroma, JSON", other, body_kind("its", media, theirs, path, scratch), read_other),
    ]


@contextmanager
def chroma(
    program: Path, found: Floats, scratch: Path, search_list: int
) -> Iterator[tuple[Server, str]]:
    """Chroma's server with these vectors, and the path of its query route."""
    port = free_port()
    command = [program, "run", "--path", scratch / "chroma", "--port", str(port)]
    with (scratch / "chroma.log").open("wb") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
    try:
        connection = _connected(port)
        path = _filled(connection, found, search_list)
        yield Server(port, process.pid), path
    finally:
        process.terminate()
        process.wait(30)


def _connected(port: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for _ in range(600):
        try:
            connection.connect()
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise RuntimeError("Chroma's server does not answer")


def _filled(connection: http.client.HTTPConnection, found: Floats, search_list: int) -> str:
    began = time.perf_counter()
    index = {"hnsw": {"space": "cosine", "ef_search": search_list}}
    made = _post(connection, _PREFIX, {"name": NAME, "configuration": index})
    path = f"{_PREFIX}/{made['id']}"
    for start in range(0, len(found), _BATCH):
        part = range(start, min(start + _BATCH, len(found)))
        items = {
            "ids": [str(n) for n in part],
            "embeddings": [found[n].tolist() for n in part],
            "metadatas": [{"price": 100 + n % 900, "title": f"item {n}"} for n in part],
        }
        _post(connection, f"{path}/add", items)
    print(f"Chroma: {len(found):,} items in {time.perf_counter() - began:.0f} s", flush=True)
    return f"{path}/query"


def _post(connection: http.client.HTTPConnection, path: str, body: Any) -> Any:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{path}: {answer.status} {data[:300]!r}")
    return json.loads(data)


def _read_own(connection: http.client.HTTPConnection, vector: Floats) -> Sequence[str]:
    path = f"/v1/collections/{NAME}/query"
    answer = _post(connection, path, {"vector": vector.tolist(), "limit": K})
    return [each["id"] for each in answer["neighbors"]]


def _read_chroma(
    connection: http.client.HTTPConnection, path: str, vector: Floats
) -> Sequence[str]:
    body = {"query_embeddings": [vector.tolist()], "n_results": K}
    ids: Sequence[str] = _post(connection, path, body)["ids"][0]
    return ids


def _report(kinds: Sequence[tuple[str, Server, Kind, Reader]], options: argparse.Namespace) -> None:
    results: dict[str, list[Loaded]] = {name: [] for name, *_ in kinds}
    for number in range(options.rounds):
        for name, one, kind, _ in kinds:
            got = load(one, kind, options.seconds, options.connections, 1_000 + number)
            results[name].append(got)
            print(f"round {number}: {name:14} {got.rate:8,.0f}/s p99 {got.p99:7.1f} ms,"
                  f" {got.cpu:6.0f} us, {got.errors} errors", flush=True)  # fmt: skip
    print("| kind | answers/s | p99 ms | CPU us | rate beside the constant's |")
    print("|---|---|---|---|---|")
    for name, rounds in results.items():
        rate, p99, cpu = (
            statistics.median(getattr(each, field) for each in rounds)
            for field in ("rate", "p99", "cpu")
        )
        pairs = zip(rounds, results["constant"], strict=True)
        share = statistics.median(a.rate / b.rate for a, b in pairs)
        print(f"| {name} | {rate:,.0f} | {p99:.1f} | {cpu:.0f} | {share:.2f} |")


if __name__ == "__main__":
    main()
