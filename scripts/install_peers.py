"""Install the libraries of the group `bench`, each by itself: python scripts/install_peers.py

Some need a compiler, an operating system or a processor: what can't be installed is named and left
out, and the benchmark lists it as such.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def peers() -> list[str]:
    """The requirements of the group."""
    groups = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    return [str(requirement) for requirement in groups["bench"]]


def main() -> None:
    """Entry point."""
    left_out = [each for each in peers() if not installed(each)]
    if left_out:
        print(f"not installed here: {', '.join(left_out)}")


def installed(requirement: str) -> bool:
    """Whether pip could install it."""
    words = [sys.executable, "-m", "pip", "install", "--quiet", requirement]
    return subprocess.run(words, check=False).returncode == 0


if __name__ == "__main__":
    main()
