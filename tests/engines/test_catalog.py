"""The catalogue: every engine by its own name, and told of as it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mitame.distances import DISTANCES
from mitame.engines.catalog import ENGINES, ENTRIES, Entry, find
from mitame.errors import MissingExtra, UsageError
from tests.conftest import Run

ROOT = Path(__file__).parent.parent.parent


def test_names_are_the_engines_own() -> None:
    """An engine is found under the name that it declares, once."""
    assert all(engine.name == name for name, engine in ENGINES.items())
    assert len(ENGINES) == len(ENTRIES)
    assert find("exact").abilities.exact


def test_unknown_engine_is_refused_with_the_known_names() -> None:
    """The error says what there is."""
    with pytest.raises(UsageError) as caught:
        find("annoying")
    assert all(name in caught.value.remedy for name in ENGINES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_page_tells_what_the_catalogue_says(entry: Entry) -> None:
    """docs/engines.md has one row per engine: what it is, what it needs, when to choose it."""
    needs = (
        f"`mitame[{entry.engine.abilities.extra}]`" if entry.engine.abilities.extra else "nothing"
    )
    row = f"| `{entry.name}` | {entry.summary} | {needs} | {entry.choose} |"
    assert row in (ROOT / "docs" / "engines.md").read_text(encoding="utf-8").splitlines()


def test_page_tells_of_no_other() -> None:
    """No row is left of an engine that is gone; and all know every distance, as the page says."""
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    table = page.partition("\n\nAll of them")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(ENGINES)
    assert all(engine.abilities.distances == set(DISTANCES) for engine in ENGINES.values())


def test_extras_exist() -> None:
    """What a missing library's error says to install is an extra of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {engine.abilities.extra for engine in ENGINES.values()} - {""}
    assert wanted <= project["optional-dependencies"].keys()


def test_an_entry_knows_whether_its_library_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks the engine."""

    class Lacking:
        name = "lacking"

        def check(self) -> None:
            raise MissingExtra("engine 'lacking'", "lack")

    entry = Entry("lacking", Lacking, "", "")  # type: ignore[arg-type]  # only what is asked
    assert not entry.available()
    assert next(each for each in ENTRIES if each.name == "exact").available()


def test_an_engine_is_imported_when_it_is_asked_for() -> None:
    """A search by one engine does not wait until the others are loaded."""
    code = (
        "import sys, mitame.api; from mitame.engines.catalog import ENGINES, find;"
        "list(ENGINES); find('exact');"
        "print(*(name for name in ENGINES if f'mitame.engines.{name}' in sys.modules))"
    )
    asked = [sys.executable, "-c", code]
    found = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == ["exact"]


def test_engines_command(run: Run) -> None:
    """Each engine with whether it is ready or what to install, and the same as JSON."""
    rows = json.loads(run("engines", "--json").stdout)
    assert [row["name"] for row in rows] == list(ENGINES)
    listed = run("engines").stdout
    for row in rows:
        assert row["available"] == next(e for e in ENTRIES if e.name == row["name"]).available()
        ready = "ready" if row["available"] else f"pip install 'mitame[{row['extra']}]'"
        assert re.search(rf"^{row['name']} +\w+ +{re.escape(ready)}$", listed, re.MULTILINE)
        assert f"{row['summary']}: {row['choose']}" in listed
