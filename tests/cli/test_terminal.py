"""What people see on a terminal, and that nothing stored there can command it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.collection import Item, ItemImage, Put
from tests.cli.terminal import on_terminal
from tests.conftest import Run

EVIL = "a\u202eb\u2066c\u200b"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A collection of vectors whose texts would turn a terminal's writing round."""
    data = tmp_path / "data"
    with mitame.open(data, lenses={"own": "vectors:2"}) as shop:
        image = ItemImage(
            vectors={"own": np.array([1, 0], np.float32)}, source=f"/pictures/\x1b[2J\n{EVIL}.jpg"
        )
        shop.store.append([Put(Item(EVIL, EVIL, {EVIL: EVIL}, (image,)))])
        shop.add("other", vector=[1, 0])
    return data


@pytest.mark.parametrize(
    "words",
    [
        ["search", "--id", "other", "--no-pictures"],
        ["search", "--id", "other", "-f"],
        ["search", "--id", "other", "--json"],
        ["show", EVIL],
        ["show", EVIL, "--json"],
        ["show", f"{EVIL}-absent"],
        ["status"],
        ["status", "--json"],
        ["remove", EVIL],
        ["remove", f"{EVIL}-absent"],
    ],
    ids=ascii,
)
def test_nothing_stored_commands_the_terminal(evil: Path, words: list[str]) -> None:
    """Control characters and marks of direction are written as escapes."""
    _, seen = on_terminal(*words, data=evil)
    plain = seen.replace("\r\n", "\n")
    assert not {"\x1b", "\u202e", "\u2066", "\u200b", "\r"} & set(plain)
    assert "\\u202e" in plain or words[0] in ("remove", "status")


def test_a_script_gets_the_path_as_it_is(run: Run, evil: Path) -> None:
    """-f into a pipe changes nothing; JSON says the same text by escapes."""
    place = f"/pictures/\x1b[2J\n{EVIL}.jpg"
    assert run("search", "--id", "other", "-f", data=evil).stdout == f"{place}\n"
    said = run("search", "--id", "other", "--json", data=evil).stdout
    assert json.loads(said)["neighbors"][0]["image"] == place
    assert said.isascii()


def test_index_tells_bad_names_safely(tmp_path: Path, catalogue: Path) -> None:
    """The name of a bad file is on the screen, but not obeyed."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(next(catalogue.glob("mug/*.jpg")), folder / "good.jpg")
    (folder / "\u202egpj.bad.jpg").write_text("x")
    (folder / "\x1b]0;owned\x07.jpg").write_text("x")
    code, seen = on_terminal("index", folder, "-q", data=tmp_path / "data")
    assert code == 0
    assert "\u202e" not in seen
    assert "\x1b" not in seen
    assert "\\u202egpj.bad.jpg" in seen


def test_progress_is_a_bar_on_a_terminal_only(run: Run, data: Path) -> None:
    """`evaluate` shows how far it is to people, and stays quiet for scripts."""
    code, seen = on_terminal("evaluate", "--lens", "color", "--limit", 1, data=data)
    assert code == 0
    assert "Asking color" in seen
    assert "96/96" in seen
    assert run("evaluate", "--lens", "color", "--limit", 1, data=data).stderr == ""


def test_wide_spaces_and_scripts_stay_readable(run: Run, tmp_path: Path) -> None:
    """Japanese, with its own wide space, is text like any other."""
    data = tmp_path / "data"
    with mitame.open(data, lenses={"own": "vectors:2"}) as shop:
        shop.add("湯呑み\u3000青", vector=[1, 0])
    assert run("show", "湯呑み\u3000青", data=data).stdout.startswith("湯呑み\u3000青\n")
