"""What goes wrong is said before the work, leaves nothing half done, and can be mended."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.cli.index import told_what_is_kept
from mitame.errors import StorageError
from tests.conftest import Run


@pytest.fixture
def mug(catalogue: Path) -> Path:
    return sorted((catalogue / "mug").glob("*.jpg"))[0]


@pytest.mark.parametrize("place", ["nowhere/errors.jsonl", "file/errors.jsonl", "folder"])
def test_errors_file_is_looked_at_first(run: Run, tmp_path: Path, mug: Path, place: str) -> None:
    """A file that can't be written is refused before anything is indexed."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    result = run("index", mug, "--errors", tmp_path / place)
    assert result.returncode in (1, 2)
    assert "unexpected" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_errors_file_can_be_read_by_others(run: Run, tmp_path: Path, mug: Path) -> None:
    """Its mode is the umask's, as for any file that a command writes."""
    before = os.umask(0o022)
    try:
        assert run("index", mug, "--errors", tmp_path / "errors.jsonl").returncode == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "errors.jsonl").stat().st_mode) == 0o644


def test_embed_never_writes_over_what_it_reads(run: Run, tmp_path: Path, mug: Path) -> None:
    """-o must be a .npy that is no target, and nor must the list of locations be one."""
    targets = tmp_path / "urls.locations.txt"
    targets.write_text("http://127.0.0.1:1/a.jpg\n")
    for output in ("urls.npy", "vec", "vec.txt"):
        result = run("embed", targets, "-o", tmp_path / output)
        assert result.returncode == 2, result.stderr
    assert targets.read_text() == "http://127.0.0.1:1/a.jpg\n"
    assert run("embed", mug, "-o", tmp_path / "nowhere" / "v.npy").returncode == 1
    told = run("embed", mug, "-o", tmp_path / "v.npy", "--json")
    assert json.loads(told.stdout)["vectors"] == str(tmp_path / "v.npy")
    assert np.load(tmp_path / "v.npy").shape == (1, 1280)
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []


def test_embed_reads_standard_input(run: Run, mug: Path) -> None:
    """- is a picture that is piped in, the same as from its file."""
    piped = json.loads(run("embed", "-", stdin=mug.read_bytes()).stdout)
    assert piped["location"] == "-"
    assert piped["vector"] == json.loads(run("embed", mug).stdout)["vector"]


def test_closed_standard_input_is_said(data: Path) -> None:
    """`mitame search - <&-` is wrong usage, not a crash."""
    words = f"{sys.executable} -m mitame search - --data {data} <&-"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "standard input is closed" in done.stderr


@pytest.mark.parametrize("words", [["search", "FTP://h/x"], ["add", "y", "ftp://h/x"]])
def test_other_schemes_are_named(run: Run, data: Path, words: list[str]) -> None:
    """What is no http(s) URL is told so, not searched as a file."""
    assert "is not an http(s) URL" in run(*words, data=data).stderr


def test_capital_scheme_is_a_url(run: Run, data: Path) -> None:
    """HTTP:// is fetched: here refused, since the address is private."""
    assert "127.0.0.1" in run("search", "HTTP://127.0.0.1:1/x.jpg", data=data).stderr


def test_remove_is_all_or_nothing(run: Run, tmp_path: Path) -> None:
    """One id that is not there keeps the others; twice the same id is once."""
    with mitame.open(tmp_path / "data", lenses={"v": "vectors:2"}) as shop:
        for name in "xy":
            shop.add(name, vector=[1, 0])
    result = run("remove", "x", "nothere", "y")
    assert result.returncode == 1
    assert "nothing was removed" in result.stderr
    assert json.loads(run("status", "--json").stdout)["items"] == 2
    assert run("remove", "x", "y", "x").stdout == "removed 2\n"


def test_drop_needs_yes(run: Run, tmp_path: Path) -> None:
    """A collection goes only when it is said twice; what is none is not touched."""
    mitame.open(tmp_path / "data", "typo", lenses={"v": "vectors:2"}).close()
    (tmp_path / "data" / "photos").mkdir()
    assert run("drop", "typo").returncode == 2
    assert run("status", "--all").stdout == "typo\n"
    assert run("drop", "photos", "--yes").returncode == 1
    assert (tmp_path / "data" / "photos").is_dir()
    assert run("drop", "typo", "--yes").returncode == 0
    assert [each.name for each in (tmp_path / "data").iterdir()] == ["photos"]


def test_lost_database_is_said_by_all_and_can_be_dropped(run: Run, tmp_path: Path) -> None:
    """Search, index and doctor agree on what is wrong, and the remedy they name works."""
    with mitame.open(tmp_path / "data", lenses={"v": "vectors:2"}) as shop:
        shop.add("a", vector=[1, 0])
    (tmp_path / "data" / "default" / "collection.sqlite3").unlink()
    (tmp_path / "pictures").mkdir()
    for words in (["search", "--id", "a"], ["index", tmp_path / "pictures"]):
        assert "mitame drop default --yes" in run(*words).stderr
    doctor = run("doctor")
    assert doctor.returncode == 1
    assert "lost its database" in doctor.stdout
    assert run("drop", "default", "--yes").returncode == 0
    assert run("doctor").returncode == 0


def test_missing_collection_names_those_that_are_there(run: Run, data: Path) -> None:
    """The remedy can be pasted."""
    said = run("status", "--collection", "shop", data=data).stderr
    assert "mitame index FOLDER --collection shop" in said
    assert "there are: default" in said


def test_the_reason_comes_before_no_match(run: Run, data: Path, mug: Path) -> None:
    """A filter that nothing passes is told; NaN is no threshold."""
    said = run("search", mug, "--where", "category=nothing", data=data).stderr.splitlines()
    assert "pass the filter" in said[0]
    assert said[1:] == ["no reliable match"]
    assert run("search", mug, "--threshold", "nan", data=data).returncode == 2


def test_lenses_that_differ_are_refused(run: Run, tmp_path: Path, mug: Path) -> None:
    """--lens on a collection that has others is not passed over in silence."""
    only = ["--lens", "color=color"]
    assert run("index", mug, *only).returncode == 0
    assert run("index", mug, *only).returncode == 0
    for lens in ("look=efficientnet-lite0", "color=efficientnet-lite0", "color=serach"):
        result = run("index", mug, "--lens", lens)
        assert result.returncode == 1, lens
        assert "color" in result.stderr or "serach" in result.stderr


def test_a_folder_without_pictures_says_so(run: Run, tmp_path: Path) -> None:
    """Nothing found is told with what was passed over; only bad files are an error."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.md").write_text("x")
    empty = run("index", folder)
    assert empty.returncode == 0
    assert "no pictures found" in empty.stderr
    assert "1 other files passed over" in empty.stderr
    (folder / "bad.jpg").write_text("x")
    assert run("index", folder).returncode == 1


def test_limits_and_outside_can_be_raised(run: Run, tmp_path: Path, mug: Path) -> None:
    """The remedies that refusals name are options."""
    small = run("index", mug, "--max-pixels", 100)
    assert small.returncode == 1
    assert "--max-pixels" in small.stderr
    assert run("index", mug, "--max-pixels", 160 * 160).returncode == 0
    (tmp_path / "shop").mkdir()
    shutil.copy(mug, tmp_path / "mug.jpg")
    (tmp_path / "shop" / "items.csv").write_text("id,image\nm,../mug.jpg\n")
    run("index", tmp_path / "shop" / "items.csv")
    assert run("show", "m").returncode == 1
    run("index", tmp_path / "shop" / "items.csv", "--allow-outside")
    assert run("show", "m").returncode == 0


@pytest.mark.parametrize("words", [["serach"], ["search"], ["index"], ["search", "--limit", "x"]])
def test_wrong_usage_as_json(run: Run, words: list[str]) -> None:
    """With --json even a misspelt option is a JSON object on standard error."""
    result = run(*words, "--json")
    assert result.returncode == 2
    body = json.loads(result.stderr)["error"]
    assert body["code"] == "usage"
    assert body["remedy"].endswith("--help")


def test_a_damaged_archive_does_not_take_the_others_with_it(
    run: Run, tmp_path: Path, mug: Path
) -> None:
    """Garbage that is called .zip is listed among the bad; the good picture is kept."""
    (tmp_path / "bad.zip").write_bytes(b"PK garbage" * 100)
    result = run("index", tmp_path / "bad.zip", mug)
    assert "Traceback" not in result.stderr
    assert "bad.zip" in result.stderr
    assert json.loads(run("status", "--json").stdout)["items"] == 1


def test_prune_of_two_folders_spares_the_one_that_is_not_mounted(
    run: Run, tmp_path: Path, mug: Path
) -> None:
    """A folder that offers nothing loses nothing, whatever the other one has."""
    for name in "ab":
        (tmp_path / name).mkdir()
        shutil.copy(mug, tmp_path / name / f"{name}.jpg")
    assert run("index", tmp_path / "a", tmp_path / "b").returncode == 0
    (tmp_path / "a" / "a.jpg").unlink()
    run("index", tmp_path / "a", tmp_path / "b", "--prune")
    assert run("show", "a.jpg").returncode == 0


def test_a_full_disk_says_what_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error passes on, after what there is now."""
    with mitame.open(tmp_path, lenses={"v": "vectors:2"}) as shop:
        shop.add("before", vector=[1, 0])

        def run_out_of_space() -> None:
            with told_what_is_kept(shop):
                shop.add("a", vector=[1, 0])
                raise StorageError("the disk is full")

        with pytest.raises(StorageError):
            run_out_of_space()
    assert capsys.readouterr().err == "stopped; 1 items more than before are kept, 2 in all\n"
