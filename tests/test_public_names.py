"""The public package: its names, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mitame


@pytest.mark.parametrize("name", mitame.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    """`__all__` names what exists, and each of it explains itself."""
    value = getattr(mitame, name)
    if name != "__version__":
        assert value.__doc__
        assert value.__module__.startswith("mitame.")


def test_dir_lists_the_public_names() -> None:
    """What completion offers is the public surface."""
    assert set(mitame.__all__) <= set(dir(mitame))


def test_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as Python users expect."""
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        mitame.serach  # noqa: B018 - that is the test


@pytest.mark.parametrize("statement", ["import mitame", "import mitame.cli.main"])
def test_importing_is_light(statement: str) -> None:
    """Neither the package nor the command line's start loads a heavy library."""
    heavy = "{'numpy', 'PIL', 'onnxruntime', 'onnx', 'sqlite3', 'tqdm', 'httpcore'}"
    code = f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
