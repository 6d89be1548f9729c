"""The parent's side of a worker: start it, ask it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.engines.peers.peer import Contender

_ALONE = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's threads would wait for each other on the one core; their waiting is CPU time, too."""


class Failed(Exception):
    """A library's build or search failed, or its process ended."""


class Entrant:
    """A running worker; idle, and so without cost, until it is asked.

    Args:
        folder: of the set.
        contender: what it builds.
        core: that it is bound to; any when None.
        k: neighbours asked for.
        logs: folder for what the library prints.
    """

    def __init__(
        self, folder: Path, contender: Contender, core: int | None, k: int, logs: Path
    ) -> None:
        self.contender = contender
        logs.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.=-]+", "-", contender.label)[:80]
        self._log = (logs / f"{name}.log").open("w", encoding="utf-8")
        words = [sys.executable, "-m", "benchmarks.engines.worker", str(folder)]
        words += [contender.label, "--k", str(k)]
        words += [] if core is None else ["--core", str(core)]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, **_ALONE},
        )

    def ask(self, do: str, *, limit: float = 3_600.0, **words: Any) -> dict[str, Any]:
        """The worker's answer.

        Args:
            do: what to do, with its arguments as words.
            limit: seconds after which the worker is ended.

        Raises:
            Failed: it reports an error, took too long, or has ended.
        """
        late = threading.Timer(limit, self._process.kill)
        late.start()
        try:
            return self._answer(do, words)
        finally:
            late.cancel()

    def _answer(self, do: str, words: dict[str, Any]) -> dict[str, Any]:
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None
        assert answers is not None
        try:
            pipe.write(json.dumps({"do": do, **words}) + "\n")
            pipe.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(f"its process was ended ({self._process.wait()}): see {self._log.name}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # it has ended by itself
                    pipe.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Entrant:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
