"""The commands ``mitame export`` and ``mitame import``, each in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import mitame
from mitame.cli import exchange as commands
from mitame.exchange import FORMATS, WRITABLE
from tests.conftest import Run
from tests.exchange.golden import DIMENSION, FOLDER, expected


def test_an_annoy_file_answers(run: Run, tmp_path: Path) -> None:
    """Imported into a collection that is made for it, and asked by item."""
    path = FOLDER / "annoy-angular-float64.ann"
    words = ("import", path, "--dim", DIMENSION, "--metric", "angular", "--json")
    result = run(*words)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["format"], told["added"], told["refused"]) == ("annoy", 38, 0)
    want = expected(path)
    directions = want.vectors / np.linalg.norm(want.vectors, axis=1, keepdims=True)
    near = np.argsort(-(directions @ directions[0]))[1:4]
    answer = json.loads(run("search", "--id", want.ids[0], "--limit", 3, "--json").stdout)
    assert [each["id"] for each in answer["neighbors"]] == [want.ids[i] for i in near]


def test_there_and_back(run: Run, tmp_path: Path) -> None:
    """Import CSV, export JSON lines under a filter, import that into another collection."""
    (tmp_path / "a.csv").write_text("id,f1,f2,category\na,1,0,mug\nb,0,1,hat\nc,1,1,mug\n")
    first = run("import", tmp_path / "a.csv", "--metric", "euclidean", "--lens", "shape")
    assert first.stdout == "3 added, 0 replaced, 0 refused, kept in collection 'default'\n"
    out = tmp_path / "b.jsonl"
    result = run("export", out, "--where", "category=mug", "--json")
    assert json.loads(result.stdout)["written"] == 2
    assert run("import", out, "--collection", "other", "-q").returncode == 0
    assert run("import", out, "--collection", "other").stdout.startswith("0 added, 2 replaced")
    with mitame.open(tmp_path / "data", "other", create=False) as items:
        assert [item.id for item in items.items()] == ["a", "c"]
    with mitame.open(tmp_path / "data", create=False) as items:
        assert items.lenses["shape"].spec.distance == "euclidean"


def test_refused_rows_are_told(run: Run, tmp_path: Path) -> None:
    """On standard error with their line; the exit code is 1; the rest is there."""
    lines = ["a,1,2", "b,1", "a,3,4", *(f"x{i},nan,1" for i in range(30))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    result = run("import", tmp_path / "a.csv")
    assert result.returncode == 1
    assert "refused line 2: vectors have 1 dimensions" in result.stderr
    assert "refused line 3: the id 'a' stands in line 1 already" in result.stderr
    assert "32 refused in all" in result.stderr
    assert result.stdout.startswith("1 added, 0 replaced, 32 refused")


def test_errors_are_one_line(run: Run, tmp_path: Path) -> None:
    """A damaged file, an annoy file without its dimension, manhattan, no collection."""
    path = FOLDER / "annoy-manhattan-float32.ann"
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY")
    for words, needle in (
        (("import", tmp_path / "bad.npy"), "not a .npy file"),
        (("import", path), "--dim 256 --metric angular"),
        (("import", path, "--dim", 6, "--metric", "manhattan"), "no distance here ranks"),
        (("export", tmp_path / "x.jsonl"), "no collection"),
    ):
        result = run(*words)
        assert result.returncode in (1, 2)
        assert needle in result.stderr
        assert result.stderr.count("\n") == 1
    assert not (tmp_path / "x.jsonl").exists()


def test_choices_are_the_librarys() -> None:
    """The lists that stand in the command line's module, so that it starts quickly."""
    assert commands.READABLE == FORMATS
    assert commands.WRITABLE == WRITABLE
