"""The documentation is true: every command and every Python example in it is run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import mitame
from scripts.write_commands import TARGET

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Run by the continuous integration itself, before and beside these tests.
RUN_BY_CI = {
    "pip install mitame": "pip install --quiet .",
    "make demo": "make demo",
    "make test": "make test",
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                if command := line.split("  #")[0].strip():
                    yield page.name, command


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Path:
    """A user's home with ~/Pictures, ~/Desktop/chair.jpg, ~/shop and an archive."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(catalogue / "chair", home / "Pictures" / "chairs")
    shutil.copytree(catalogue / "mug", home / "Pictures" / "mugs")
    one = sorted((catalogue / "chair").glob("*.jpg"))[0]
    shutil.copy(one, home / "Pictures" / "chairs" / "red.jpg")
    (home / "Desktop").mkdir()
    shutil.copy(one, home / "Desktop" / "chair.jpg")
    (home / "Pictures" / "bad.jpg").write_text("not a picture")
    (home / "shop").mkdir()
    shutil.copy(one, home / "shop" / "a.jpg")
    (home / "shop" / "items.csv").write_text("id,image,category,price\nsku-9,a.jpg,chair,1200\n")
    shutil.make_archive(str(home / "scans"), "zip", catalogue / "hat")
    return home


def test_every_command_in_the_pages_works(home: Path) -> None:
    """From the first page to the last, in one shell's order, in a new user's home."""
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / ".local"),
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("MITAME_DATA", None)
    ran = 0
    for page, command in commands():
        if command in RUN_BY_CI:
            continue
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, f"{page}: {command}\n{result.stdout}{result.stderr}"
        ran += 1
    assert ran >= 25


def test_what_ci_runs_itself_is_in_its_script() -> None:
    """The commands left out above stand in the continuous integration's script."""
    lines = [line.split("#")[0] for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    for needle in RUN_BY_CI.values():
        assert any(needle in line for line in lines), needle


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=str)
def test_python_examples_run(
    page: Path, tmp_path: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example runs as it stands, in a folder with the pictures that it names."""
    monkeypatch.chdir(tmp_path)
    mug = sorted((catalogue / "mug").glob("*.jpg"))[0]
    for block in blocks(page, "python"):
        for name in re.findall(r'"([\w-]+\.jpg)"', block):
            shutil.copy(mug, tmp_path / name)
        script = tmp_path / "example.py"
        script.write_text(block)
        result = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{block}\n{result.stderr}"


def test_commands_page_is_what_the_commands_print() -> None:
    """docs/commands.md is generated: python scripts/write_commands.py

    In a process of its own: click keeps how a command's help is asked for at its first use.
    """
    code = "import sys; from scripts.write_commands import text; sys.stdout.write(text())"
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True
    )
    assert TARGET.read_text(encoding="utf-8") == made.stdout.decode()


def test_links_lead_somewhere() -> None:
    """Every relative link of every page exists, pictures can be opened."""
    pages = [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                target = page.parent / link
                assert target.exists(), f"{page.name}: {link}"
                if target.suffix in (".webp", ".png"):
                    Image.open(target).verify()


def test_changelog_has_the_version() -> None:
    """The version that is installed is one that the changelog tells of."""
    assert f"## {mitame.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_examples_are_split_as_a_shell_would() -> None:
    """Quotes in the pages are balanced: what is shown can be pasted."""
    for page, command in commands():
        assert shlex.split(command), page
