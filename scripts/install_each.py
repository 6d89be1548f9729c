"""Install optional requirements, each by itself if need be: python scripts/install_each.py NAME ...

A name is that of an extra or of a dependency group of `pyproject.toml`. Some of what they ask for
needs a compiler, an operating system or a processor: what can't be installed is named and left out.
Benchmarks list it as such, and tests that need it are skipped with the reason.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def requirements(names: list[str]) -> list[str]:
    """What the extras and groups of these names ask for."""
    content = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    known = {**content["dependency-groups"], **content["project"]["optional-dependencies"]}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise SystemExit(f"no such extra or group: {unknown}; there are: {', '.join(known)}")
    return [str(requirement) for name in names for requirement in known[name]]


def main() -> None:
    """Entry point."""
    wanted = requirements(sys.argv[1:])
    if installed(wanted):
        return
    left_out = [each for each in wanted if not installed([each])]
    if left_out:
        print(f"not installed here: {', '.join(left_out)}")


def installed(wanted: list[str]) -> bool:
    """Whether pip could install them; it says itself why not."""
    words = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
    return subprocess.run(words, check=False).returncode == 0


if __name__ == "__main__":
    main()
