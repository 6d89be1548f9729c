"""``mitame gannoy``, command by command; test_transcript runs it in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import mitame
from mitame.api import collections
from mitame.cli.app import app
from mitame.errors import CollectionExists, CollectionNotFound, MitameError, UsageError
from tests.gannoy.gannoy_files import database, node


def gannoy(*words: object, answer: str | None = None) -> Result:
    """Run a command; `answer` is typed at its prompt."""
    found = CliRunner().invoke(app, ["gannoy", *map(str, words)], answer, standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found


def ids(data: Path, name: str) -> list[str]:
    with mitame.open(data, name, create=False) as items:
        return [item.id for item in items.items()]


def test_create_convert_apply_drop(tmp_path: Path) -> None:
    """A database's life as gannoy's users lived it, in the directory of -p."""
    folder = tmp_path / "var"
    (tmp_path / "a.csv").write_text("1,1,2,3\n-2,3,2,1\n3,0,0,0\n")
    made = gannoy("create", "-d", 3, "-t", 10, "-K", 20, "-p", folder, "shop")
    assert made.stdout == "made database 'shop' of 3 dimensions\n"
    assert ids(folder, "shop") == []
    with pytest.raises(CollectionExists):
        gannoy("create", "-d", 3, "-p", folder, "shop")
    filled = gannoy("convert", "-d", 3, "-p", folder, tmp_path / "a.csv", "shop")
    assert filled.stdout == "3 added, 0 replaced, 0 refused, kept in database 'shop'\n"
    assert ids(folder, "shop") == ["-2", "1", "3"]
    assert gannoy("apply", "-p", folder, "shop").stdout == "generation 1 is served\n"
    assert gannoy("apply", "-p", folder, "shop").stdout == "nothing is pending\n"
    assert gannoy("drop", "-p", folder, "shop", answer="n\n").stdout.endswith(
        "nothing was removed\n"
    )
    assert len(ids(folder, "shop")) == 3
    assert gannoy("drop", "-p", folder, "shop", answer="y\n").return_value is None
    assert collections(folder) == []


def test_unknown_databases(tmp_path: Path) -> None:
    """Nothing is made by the way."""
    for words in (("apply",), ("drop",), ("drop", "-y")):
        with pytest.raises(CollectionNotFound):
            gannoy(*words, "-p", tmp_path, "none")
    assert collections(tmp_path) == []


def test_tree_settings_are_said_to_be_of_no_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """-t and -K are taken, as scripts have them, and told to do nothing."""
    made = gannoy("create", "-t", 10, "--data", tmp_path, "a")
    assert "no effect" in made.stderr + capsys.readouterr().err
    made = gannoy("create", "--data", tmp_path, "b")
    assert "no effect" not in made.stderr + capsys.readouterr().err


def test_convert_makes_the_database(tmp_path: Path) -> None:
    """From gannoy's own files; what can't be read is told, and the exit code says so."""
    nodes = [node(5, [1, 2]), node(-6, [3, 4]), node(5, [1, 3])]
    meta = database(tmp_path, "old", nodes, dim=2)
    result = gannoy("convert", meta, "new", "--data", tmp_path / "data")
    assert result.return_value == 1
    assert result.stdout == "2 added, 0 replaced, 1 refused, kept in database 'new'\n"
    assert "refused row 0: key 5 stands again later on" in result.stderr
    assert ids(tmp_path / "data", "new") == ["-6", "5"]
    assert gannoy("convert", meta, "new", "--data", tmp_path / "data").return_value == 1
    assert ids(tmp_path / "data", "new") == ["-6", "5"]


@pytest.mark.parametrize(
    ("words", "distance"),
    [((), "cosine"), (("-D", "a"), "cosine"), (("-D", "2"), "euclidean")],
)
def test_distances(tmp_path: Path, words: tuple[str, ...], distance: str) -> None:
    """Angular where nothing is said, L2 with -D 2, for create and convert alike."""
    gannoy("create", *words, "-p", tmp_path, "a")
    (tmp_path / "a.csv").write_text("1,1,2\n")
    gannoy("convert", *words, "-p", tmp_path, tmp_path / "a.csv", "b")
    for name in ("a", "b"):
        with mitame.open(tmp_path, name, create=False) as items:
            assert items.lenses["vectors"].spec.distance == distance
            assert items.lenses["vectors"].spec.dimension == 2


@pytest.mark.parametrize(("letter", "word"), [("1", "L1"), ("h", "Hamming")])
def test_distances_that_are_not_offered(tmp_path: Path, letter: str, word: str) -> None:
    """They are refused by name, and nothing is made."""
    (tmp_path / "a.csv").write_text("1,1,2\n")
    for words in (("create", "x"), ("convert", tmp_path / "a.csv", "x")):
        with pytest.raises(UsageError, match=f"the distance {word} is not offered"):
            gannoy(*words, "-D", letter, "-p", tmp_path)
    assert collections(tmp_path) == []


def test_convert_into_pictures(tmp_path: Path) -> None:
    """A collection of pictures is no database, even where the dimension fits."""
    with mitame.open(tmp_path, "photos", lenses={"c": "color"}) as photos:
        dimension = photos.lenses["c"].spec.dimension
    (tmp_path / "a.csv").write_text("1" + ",1" * dimension + "\n")
    with pytest.raises(UsageError, match="holds pictures"):
        gannoy("convert", tmp_path / "a.csv", "photos", "-p", tmp_path)
    assert ids(tmp_path, "photos") == []


def test_convert_nothing(tmp_path: Path) -> None:
    """A source that can't be read makes no database."""
    (tmp_path / "bad.meta").write_bytes(b"x")
    for source in ("bad.meta", "none"):
        with pytest.raises(MitameError):
            gannoy("convert", tmp_path / source, "new", "-p", tmp_path / "data")
    assert collections(tmp_path / "data") == []
