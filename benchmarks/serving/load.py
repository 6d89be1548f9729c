"""Load by wrk (Debian's package of that name): requests per second and latencies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("ask.lua")


@dataclass(frozen=True)
class Loaded:
    """What was measured.

    Attributes:
        rate: answers per second.
        p50, p99: milliseconds.
        cpu: microseconds of the server's processor time per answer; what else the machine does
            hardly changes it.
        errors: answers with a status from 400 on, and requests without an answer.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


@dataclass(frozen=True)
class Server:
    """One that runs.

    Attributes:
        port: where it listens.
        process: its id.
    """

    port: int
    process: int

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    Attributes:
        name: in the table.
        arguments: of the script, after the seed.
    """

    name: str
    arguments: Sequence[str]


def load(server: Server, kind: Kind, seconds: float, connections: int, seed: int) -> Loaded:
    """Ask over kept-alive connections for some seconds.

    Raises:
        RuntimeError: wrk is missing or fails.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(_SCRIPT)]
    command += [f"http://127.0.0.1:{server.port}", "--", str(seed), *kind.arguments]
    before = server.cpu()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise RuntimeError("wrk is missing: apt-get install wrk") from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"wrk: {error.stderr or error.stdout}") from error
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    requests, micros, p50, p99, errors = map(int, line.split()[1:])
    cpu = (server.cpu() - before) / max(1, requests) * 1e6
    return Loaded(requests / micros * 1e6, p50 / 1e3, p99 / 1e3, cpu, errors)
