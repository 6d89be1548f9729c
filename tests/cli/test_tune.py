"""``mitame tune``, as people run it: measured, chosen, merged, shown, forgotten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mitame
from mitame.errors import UsageError
from tests.conftest import Run

ONLY = ("--engines", "exact", "--lens", "color", "--budget", "5s")


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A copy of the data directory with the drawn pictures, to be changed."""
    shutil.copytree(data, tmp_path / "own")
    return tmp_path / "own"


def _index(run: Run, data: Path) -> dict[str, Any]:
    told = run("status", "--json", data=data)
    assert told.returncode == 0, told.stderr
    index: dict[str, Any] = json.loads(told.stdout)["lenses"]["color"]["index"]
    return index


def test_a_choice_is_kept_and_then_served(run: Run, own: Path) -> None:
    """The reason in one line, the report's path, what to do next; status tells all of it."""
    tuned = run("tune", *ONLY, data=own)
    assert tuned.returncode == 0, tuned.stderr
    line, report = tuned.stdout.splitlines()
    assert line.startswith("color: exact: ")
    assert "queries/s" in line
    page = Path(report.split(None, 1)[1])
    assert page.is_file()
    with Image.open(page.with_suffix(".png")) as picture:
        picture.verify()
    assert "mitame merge" in tuned.stderr
    assert run("merge", data=own).returncode == 0
    index = _index(run, own)
    assert (index["exact"], index["pending"], index["note"]) == (True, None, None)


def test_json_and_apply(run: Run, own: Path) -> None:
    """A script gets the choice and the generation that serves it; forgetting is a choice, too."""
    told = run("tune", *ONLY, "--recall", "0.9", "--k", "5", "--apply", "--json", data=own)
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout)
    (lens,) = answer["lenses"]
    assert answer["generation"] >= 1
    assert lens["choice"]["engine"] == "exact"
    assert (lens["choice"]["recall"], lens["choice"]["k"]) == (0.9, 5)
    assert lens["recall"] == 1.0
    assert lens["queries_per_second"] > 0
    forgotten = run("tune", "--lens", "color", "--forget", "--json", data=own)
    assert json.loads(forgotten.stdout)["lenses"] == [{"lens": "color", "choice": None}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--memory", "many"], "is not a size"),
        (["--latency", "soon"], "is not a time"),
        (["--budget", "0"], "is not a time"),
        (["--recall", "0"], "recall"),
        (["--recall", "1.5"], "recall"),
        (["--engines", "cars"], "no engine 'cars'"),
        (["--engines", ""], "no engine ''"),
    ],
)
def test_wrong_usage(run: Run, data: Path, words: list[str], said: str) -> None:
    """Exit code 2 and one line that names the thing, before anything is measured."""
    result = run("tune", *words, data=data)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_searching_harder_and_exactly(run: Run, data: Path) -> None:
    """Both are options of a search; an effort out of range is refused."""
    (item,) = [each.id for each in mitame.open(data).items()][:1]
    plain, harder, exact = (
        run("search", "--id", item, *words, "--json", data=data)
        for words in ([], ["--effort", "1"], ["--exact"])
    )
    answers = [json.loads(each.stdout) for each in (plain, harder, exact)]
    assert answers[2]["exact"] is True
    assert answers[0]["neighbors"] == answers[1]["neighbors"] == answers[2]["neighbors"]
    assert run("search", "--id", item, "--effort", "2", data=data).returncode == 2


def test_from_python(own: Path) -> None:
    """The same through the Python door; the choice comes back."""
    with mitame.open(own) as shop:
        choice = shop.tune(engines=["exact"], lens="color", budget=2, apply=True)
        assert choice.engine == "exact"
        assert choice.why
        item = next(iter(shop.items())).id
        assert shop.similar(item, exact=True).exact
        with pytest.raises(UsageError):
            shop.tune(recall=2)
