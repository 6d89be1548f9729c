"""The one door to the native kernels: whether they are there, and which one runs.

`mitame._native` is built when mitame is installed with a C++ compiler at hand; without it all that
it does is done in NumPy and Pillow, with the same answers, slower. It holds each kernel once per
instruction set and takes the best that the processor has. ``MITAME_KERNEL`` in the environment,
read once per process, forces one: ``avx512``, ``avxvnni``, ``avx2``, ``neon``, ``portable``, or
``numpy`` for none.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

from mitame.errors import UsageError

VARIABLE = "MITAME_KERNEL"
NUMPY = "numpy"
INTERFACE = 2
"""What the module is asked, and what the parts that it is given mean. Raised here and in
``native/module.cpp`` when one of them changes, so that a module of before is left aside."""
KERNELS = ("avx512", "avxvnni", "avx2", "neon", "portable", NUMPY)


@dataclass(frozen=True)
class _Choice:
    """The module to call, or None and why not."""

    module: ModuleType | None
    reason: str


_choice: _Choice | None = None


def module() -> ModuleType | None:
    """`mitame._native`, or None where NumPy does the work.

    Raises:
        UsageError: ``MITAME_KERNEL`` names a kernel that there is not, or that can't run here.
    """
    return _current().module


def kernel() -> str:
    """Name of the kernel that runs, one of `KERNELS`.

    Raises:
        UsageError: as `module`.
    """
    return _name(module())


def usable() -> tuple[str, ...]:
    """Names of the kernels that can run here, slowest first; the first is always ``numpy``."""
    native = _imported().module
    return (NUMPY, *(native.kernels() if native else ()))


def described() -> str:
    """The kernel that runs and why, in a few words.

    Raises:
        UsageError: as `module`.
    """
    return f"{kernel()} ({_current().reason})"


@contextmanager
def forced(name: str) -> Iterator[None]:
    """Within, the whole process uses this kernel: for tests and comparisons.

    Raises:
        UsageError: it can't run here.
    """
    global _choice  # noqa: PLW0603 - one choice per process is what this module is for
    before = _current()
    was = _name(before.module)
    _choice = _choose(name)
    try:
        yield
    finally:
        _choice = before
        if before.module:
            before.module.choose_kernel(was)


def _name(native: ModuleType | None) -> str:
    return str(native.kernel()) if native else NUMPY


def _current() -> _Choice:
    global _choice  # noqa: PLW0603 - one choice per process is what this module is for
    if _choice is None:
        name = os.environ.get(VARIABLE, "")
        _choice = _choose(name) if name else _imported()
    return _choice


def _imported() -> _Choice:
    try:
        native = importlib.import_module("mitame._native")
    except ModuleNotFoundError:
        return _Choice(None, "the native module was not built")
    except ImportError as error:
        return _Choice(None, f"the native module can't be loaded: {error}")
    if getattr(native, "interface", 1) != INTERFACE:
        return _Choice(None, "the native module is of another version: install mitame again")
    return _Choice(native, f"usable: {', '.join(native.kernels())}")


def _choose(name: str) -> _Choice:
    if name not in KERNELS:
        raise UsageError(
            f"there is no kernel {name!r} ({VARIABLE})", remedy=f"use one of {', '.join(KERNELS)}"
        )
    if name == NUMPY:
        return _Choice(None, f"forced by {VARIABLE}")
    found = _imported()
    if found.module is None or name not in found.module.kernels():
        raise UsageError(
            f"kernel {name} can't run here ({VARIABLE}); {found.reason}",
            remedy=f"unset {VARIABLE}, or use one of {', '.join(usable())}",
        )
    found.module.choose_kernel(name)
    return _Choice(found.module, f"forced by {VARIABLE}")
