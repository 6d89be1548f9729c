"""Which kernel runs: the processor's best, or the one that the environment names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mitame import native
from mitame.errors import UsageError

ASKING = "from mitame import native; print(native.kernel(), native.module() is not None)"

needs_native = pytest.mark.skipif(
    len(native.usable()) == 1, reason="the native module was not built here"
)


def asked(kernel: str | None, program: str = ASKING) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != native.VARIABLE}
    if kernel is not None:
        environment[native.VARIABLE] = kernel
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_best_usable_kernel_runs() -> None:
    """Without a wish, the last of the usable ones runs; NumPy is always among them."""
    assert native.usable()[0] == native.NUMPY
    assert set(native.usable()) <= set(native.KERNELS)
    name = native.usable()[-1]
    assert asked(None).stdout.split() == [name, str(name != native.NUMPY)]


@pytest.mark.parametrize("name", native.usable())
def test_the_environment_forces_a_kernel(name: str) -> None:
    """Each usable kernel can be forced in a process of its own; numpy means no module at all."""
    assert asked(name).stdout.split() == [name, str(name != native.NUMPY)]


@pytest.mark.parametrize("name", sorted({*native.KERNELS, "fast", "AVX2"} - {*native.usable()}))
def test_a_kernel_that_cannot_run_is_a_typed_error(name: str) -> None:
    """A forced kernel that is unknown or not to be had here is refused, not called."""
    program = (
        "from mitame import native\n"
        "from mitame.errors import UsageError\n"
        "try: native.module()\n"
        "except UsageError as error: print(error.line())"
    )
    done = asked(name, program)
    assert done.returncode == 0
    assert name in done.stdout
    assert native.VARIABLE in done.stdout


@needs_native
def test_a_module_of_another_version_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would misread what newer code gives it; the reason says what to do."""
    module = native.module()
    assert module is not None
    assert module.interface == native.INTERFACE
    monkeypatch.setattr(native, "_choice", None)
    monkeypatch.setattr(native, "INTERFACE", native.INTERFACE + 1)
    assert native.module() is None
    assert native.usable() == (native.NUMPY,)
    assert "install mitame again" in native.described()


def test_doctor_says_which_kernel_runs() -> None:
    """`mitame doctor` shows the kernel, and a wrong wish as a finding instead of a traceback."""
    command = "import sys; from mitame.cli.main import main; sys.argv[1:] = ['doctor']; main()"
    good, bad = asked("numpy", command), asked("fast", command)
    assert "numpy (forced by MITAME_KERNEL)" in good.stdout
    assert "BAD  kernel" in bad.stdout
    assert "Traceback" not in bad.stderr


def test_a_wrong_wish_ends_a_run_before_its_first_picture(tmp_path: Path) -> None:
    """`mitame index` says once what is wrong, not once per picture."""
    (tmp_path / "a.jpg").write_bytes(b"not looked at")
    words = ["index", str(tmp_path), "--data", str(tmp_path / "data")]
    done = asked("fast", f"import sys; from mitame.cli.main import main; sys.exit(main({words}))")
    assert done.returncode == 2
    assert done.stderr.count("no kernel 'fast'") == 1
    assert "refused" not in done.stderr


@needs_native
@pytest.mark.native
def test_forced_holds_only_within() -> None:
    """`forced` changes the kernel for its block, whatever happens in it."""
    before = native.kernel()
    for name in native.usable():
        with native.forced(name):
            assert native.kernel() == name
        assert native.kernel() == before
    with pytest.raises(RuntimeError), native.forced("numpy"):
        raise RuntimeError
    assert native.kernel() == before


@needs_native
@pytest.mark.native
def test_the_module_refuses_what_it_can_not_run() -> None:
    """The module's own door throws, too, naming what is usable; the choice stays."""
    module = native.module()
    assert module is not None
    before = module.kernel()
    with pytest.raises(ValueError, match="portable"):
        module.choose_kernel("mmx")
    assert module.kernel() == before
    with pytest.raises(UsageError), native.forced("mmx"):
        pass
    assert native.kernel() == before
