"""Run pytest with a native module that was built with sanitizers, in place of the installed one.

    python scripts/sanitized.py build/sanitize -m native -q

The sanitizers' libraries must be in the process before Python itself, so a second process is
started with them preloaded. Leaks are not looked for: the interpreter leaves memory to the end of
the process. Linux with GCC.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

LOADED = "MITAME_SANITIZED"
LIBRARIES = ("libasan.so", "libubsan.so", "libstdc++.so.6")


def main() -> int:
    """Entry point; the exit code is that of pytest, or of the sanitizer that stopped it."""
    built, arguments = Path(sys.argv[1]), sys.argv[2:]
    if os.environ.get(LOADED):
        return run(built, arguments)
    environment = {
        **os.environ,
        LOADED: "1",
        "LD_PRELOAD": ":".join(library(name) for name in LIBRARIES),
        "ASAN_OPTIONS": "detect_leaks=0:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, str(Path(__file__)), *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


def library(name: str) -> str:
    """Where the compiler has one of its run-time libraries."""
    command = [os.environ.get("CXX", "g++"), f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(built: Path, arguments: list[str]) -> int:
    """The tests, with `mitame._native` from the build folder."""
    import pytest

    import mitame

    (path,) = built.glob("_native.*.so")
    spec = importlib.util.spec_from_file_location("mitame._native", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is not a module that this Python can load")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["mitame._native"] = module
    mitame._native = module  # as an import of it would leave it
    print(f"sanitized kernels: {', '.join(module.kernels())}")
    # A sanitizer's report goes to the process's own stderr, which pytest must leave open.
    return int(pytest.main(["--capture=sys", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
