"""Names of files lead nowhere else and mean the same on every system."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mitame.errors import UsageError
from mitame.storage.names import check_name
from mitame.testing.directories import BAD_NAMES, GOOD_NAMES


@given(st.text(max_size=30) | st.text("./\\:ab \0-_", max_size=8))
def test_an_accepted_name_is_one_step_down(name: str) -> None:
    """Whatever is accepted is one component, on POSIX and on Windows, and stays as it is."""
    try:
        assert check_name(name) == name
    except UsageError:
        return
    for pure in (PurePosixPath, PureWindowsPath):
        assert (pure("base") / name).parts == ("base", name)
    assert name.isascii()
    assert name.isprintable()


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(name: str) -> None:
    """Each is refused with what to use instead, and the message can be printed."""
    with pytest.raises(UsageError, match="can't be the name") as caught:
        check_name(name)
    assert caught.value.remedy
    caught.value.line().encode()


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_good_names(name: str, tmp_path: Path) -> None:
    """Each is a file's name on this system."""
    (tmp_path / check_name(name)).touch()
    assert [path.name for path in tmp_path.iterdir()] == [name]
