"""Print what an environment weighs, package by package, and fail over a limit.

What `python -m venv` itself brings (pip, setuptools) is left out: users have it already.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

BROUGHT_BY_VENV = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")
FORBIDDEN = ("torch", "torchvision", "tensorflow")


def main() -> int:
    """Entry point; 1 when over the limit or when a heavy framework is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--limit-mb", type=float, required=True)
    options = parser.parse_args()
    (packages,) = options.environment.glob("lib/python*/site-packages")
    sizes = {
        entry.name: size_of(entry)
        for entry in packages.iterdir()
        if not entry.name.startswith(BROUGHT_BY_VENV)
    }
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1])[:12]:
        print(f"{size / 1e6:8.1f} MB  {name}")
    total = sum(sizes.values()) / 1e6
    print(f"{total:8.1f} MB  in all; the limit is {options.limit_mb:.0f} MB")
    heavy = [name for name in FORBIDDEN if (packages / name).exists()]
    if heavy:
        print(f"must not be in the default install: {', '.join(heavy)}", file=sys.stderr)
    return int(bool(heavy) or total > options.limit_mb)


def size_of(path: Path) -> int:
    """Bytes of a file or of everything below a folder."""
    if path.is_dir() and not path.is_symlink():
        return sum(size_of(entry) for entry in path.iterdir())
    return path.lstat().st_size


if __name__ == "__main__":
    sys.exit(main())
