"""The real command in a process of its own: output, exit codes, messages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mitame
from tests.conftest import COUNT, Run


def first(catalogue: Path, kind: str = "mug") -> Path:
    return sorted((catalogue / kind).glob("*.jpg"))[0]


def test_index_then_search(run: Run, catalogue: Path) -> None:
    """The first minute: index a folder, ask with one of its pictures."""
    indexed = run("index", catalogue, "--category-from-folder")
    assert indexed.returncode == 0, indexed.stderr
    assert f"{COUNT} items in collection 'default'" in indexed.stdout
    assert f"{COUNT} added" in indexed.stderr
    found = run("search", first(catalogue), "--limit", 5)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert len(lines) == 5
    assert "same" in lines[0]
    assert lines[0].endswith(f"mug/{first(catalogue).name}")


def test_index_json_is_one_line_with_the_counts(run: Run, catalogue: Path) -> None:
    """A script reads one JSON object; progress and summary stay on standard error."""
    result = run("index", catalogue / "mug", "--json")
    body = json.loads(result.stdout)
    assert body["added"] == body["items"] == len(list((catalogue / "mug").iterdir()))
    assert body["refused"] == 0
    assert body["images_per_second"] > 0


def test_bad_files_are_listed_and_written(run: Run, catalogue: Path, tmp_path: Path) -> None:
    """Every bad file with its reason: on standard error, and whole in --errors FILE."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(first(catalogue), folder / "good.jpg")
    (folder / "bad.jpg").write_bytes(first(catalogue).read_bytes()[:500])
    result = run("index", folder, "--errors", tmp_path / "errors.jsonl")
    assert result.returncode == 0
    assert "1 added" in result.stderr
    assert "bad.jpg" in result.stderr
    (row,) = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()]
    assert row["location"].endswith("bad.jpg")
    assert row["code"] == "damaged_image"
    assert row["reason"]
    assert row["remedy"]


def test_search_forms(run: Run, data: Path, catalogue: Path) -> None:
    """By id, from standard input, paths only, under a filter, by another lens, as JSON."""
    picture = first(catalogue)
    by_id = run("search", "--id", f"mug/{picture.name}", "--json", data=data)
    answer = json.loads(by_id.stdout)
    assert f"mug/{picture.name}" not in [each["id"] for each in answer["neighbors"]]
    assert answer["complete"] is True
    from_stdin = run("search", "-", "-f", "--limit", 1, data=data, stdin=picture.read_bytes())
    assert from_stdin.stdout.strip() == str(picture)
    hats = run("search", picture, "--where", "category=hat", "--json", data=data)
    assert {each["category"] for each in json.loads(hats.stdout)["neighbors"]} == {"hat"}
    color = run("search", picture, "--lens", "color", "--json", data=data)
    assert json.loads(color.stdout)["lens"] == "color"


def test_no_reliable_match_is_said(run: Run, data: Path, tmp_path: Path) -> None:
    """When nothing looks like it, the command says so."""
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    result = run("search", tmp_path / "noise.png", data=data)
    assert result.returncode == 0
    assert "no reliable match" in result.stderr


def test_add_show_remove(run: Run, catalogue: Path) -> None:
    """One item's life."""
    picture = first(catalogue)
    added = run(
        "add", "sku-1", picture, "--category", "mug", "--attribute", "price=1200",
        "--attribute", "maker=Ōta",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    shown = json.loads(run("show", "sku-1", "--json").stdout)
    assert shown["category"] == "mug"
    assert shown["attributes"] == {"price": 1200, "maker": "Ōta"}
    assert shown["images"][0]["format"] == "JPEG"
    assert "price" in run("show", "sku-1").stdout
    again = run("add", "sku-1", picture, "--no-replace")
    assert again.returncode == 1
    assert run("remove", "sku-1").returncode == 0
    gone = run("show", "sku-1")
    assert gone.returncode == 1
    assert gone.stderr.count("\n") == 1


def test_vector_of_ones_own(run: Run, tmp_path: Path) -> None:
    """--vector takes a .npy file; a pickle in disguise is refused."""
    np.save(tmp_path / "v.npy", np.ones(1280, np.float32))
    assert run("add", "v", "--vector", tmp_path / "v.npy").returncode == 0
    np.save(tmp_path / "p.npy", np.array([{}], dtype=object), allow_pickle=True)
    refused = run("add", "p", "--vector", tmp_path / "p.npy")
    assert refused.returncode == 2
    assert "is not a .npy file" in refused.stderr


def test_status_and_check(run: Run, data: Path) -> None:
    """What is there, its lenses, and that it is whole."""
    facts = json.loads(run("status", "--check", "--json", data=data).stdout)
    assert facts["items"] == COUNT
    assert facts["problems"] == []
    assert list(facts["lenses"]) == ["look", "color"]
    assert facts["lenses"]["look"]["dimension"] == 1280
    text = run("status", "--check", data=data).stdout
    assert "whole" in text
    assert run("status", "--all", data=data).stdout.split() == ["default"]


def test_evaluate(run: Run, data: Path) -> None:
    """Prints the share per lens, well above chance for drawn kinds."""
    scores = json.loads(run("evaluate", "--json", "--limit", 3, data=data).stdout)["scores"]
    look = next(each for each in scores if each["lens"] == "look")
    assert look["items"] == COUNT
    assert look["share"] > 3 * look["chance"]
    assert "chance" in run("evaluate", "--lens", "look", data=data).stdout


def test_evaluate_keeps_its_results(run: Run, tmp_path: Path) -> None:
    """Each is listed with its moment, the newest last, but those that were not to be kept."""
    with mitame.open(tmp_path, lenses={"v": "vectors:1:euclidean"}) as shop:
        for name, place, kind in (("p", 0.0, "a"), ("q", 1.0, "a"), ("r", 10.0, "b")):
            shop.add(name, vector=[place], category=kind)
    assert "nothing is kept yet" in run("evaluate", "--history", data=tmp_path).stderr
    told = [run("evaluate", "--limit", k, "--json", data=tmp_path) for k in (1, 2)]
    assert run("evaluate", "--no-keep", data=tmp_path).returncode == 0
    history = json.loads(run("evaluate", "--history", "--json", data=tmp_path).stdout)
    assert history["collection"] == "default"
    for k, answer, kept in zip((1, 2), told, history["evaluations"], strict=True):
        (scores,) = json.loads(answer.stdout)["scores"]
        assert kept["measures"] == {name: scores[name] for name in kept["measures"]}
        assert (kept["lens"], kept["k"], kept["queries"], kept["position"]) == ("v", k, 3, 3)
        assert kept["at"].endswith("Z")
    lines = run("evaluate", "--history", data=tmp_path).stdout.splitlines()
    assert len(lines) == 3
    share = history["evaluations"][1]["measures"]["share"]
    assert f"share {share:.3f}" in lines[2]
    assert lines[2].startswith(history["evaluations"][1]["at"][:10])


def test_evaluate_without_categories(run: Run, tmp_path: Path) -> None:
    """It says what is missing, and how it comes there."""
    with mitame.open(tmp_path, lenses={"v": "vectors:1:euclidean"}) as shop:
        shop.add("p", vector=[1.0])
    result = run("evaluate", "--json", data=tmp_path)
    assert result.returncode == 2
    error = json.loads(result.stderr)["error"]
    assert error["code"] == "no_categories"
    assert "--category-from-folder" in error["remedy"]


def test_embed_to_npy_and_json_lines(run: Run, catalogue: Path, tmp_path: Path) -> None:
    """The same vectors in both forms, in the order of the locations; a bad one is told."""
    out = tmp_path / "v.npy"
    assert run("embed", catalogue / "mug", "-o", out).returncode == 0
    table = np.load(out)
    places = out.with_suffix(".locations.txt").read_text().splitlines()
    lines = run("embed", catalogue / "mug").stdout.splitlines()
    assert len(places) == len(table) == len(lines)
    for place, row, line in zip(places, table, lines, strict=True):
        body = json.loads(line)
        assert body["location"] == place
        np.testing.assert_allclose(body["vector"], row, atol=1e-6)
    (tmp_path / "bad.jpg").write_text("x")
    bad = run("embed", tmp_path / "bad.jpg")
    assert bad.returncode == 1
    assert "refused" in bad.stderr


def test_models_lists_the_default_as_ready(run: Run) -> None:
    """Name, licence and readiness of each embedder."""
    rows = json.loads(run("models", "--json").stdout)
    by_name = {row["name"]: row for row in rows}
    assert by_name["efficientnet-lite0"]["available"]
    assert by_name["color"]["available"]
    assert "efficientnet-lite0" in run("models").stdout


def test_doctor_is_content(run: Run, data: Path) -> None:
    """A working installation has no findings; a damaged collection is one."""
    good = run("doctor", data=data)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "BAD" not in good.stdout


def test_doctor_finds_a_damaged_collection(run: Run, data: Path, tmp_path: Path) -> None:
    """A vector file that lost its end is named."""
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    largest = max((copy / "default").rglob("*.f32"), key=lambda file: file.stat().st_size)
    os.truncate(largest, 100)
    result = run("doctor", data=copy)
    assert result.returncode == 1
    assert "BAD" in result.stdout


def test_demo_with_drawn_pictures(run: Run, tmp_path: Path) -> None:
    """Runs through without npm, prints the share and writes the contact sheet."""
    result = run("demo", "--drawn", "--to", tmp_path / "demo")
    assert result.returncode == 0, result.stderr
    assert "are of the same kind" in result.stdout
    assert (tmp_path / "demo" / "index.html").stat().st_size > 10_000
    assert (tmp_path / "demo" / "contact-sheet.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["search"], 2, "give either"),
        (["serach", "x"], 2, "No such command"),
        (["search", "nowhere.jpg"], 1, "nowhere.jpg"),
        (["index", "nowhere"], 1, "nowhere"),
        (["search", "--id", "x", "--where", "price<<1"], 2, "price"),
        (["search", "--id", "nobody"], 1, "nobody"),
        (["search", "--id", "x", "--collection", "../x"], 2, "../x"),
        (["search", "--id", "x", "--collection", "absent"], 1, "mitame index"),
        (["search", "http://127.0.0.1:1/x.jpg"], 1, "127.0.0.1"),
        (["index", "x", "--lens", "look"], 2, "look=efficientnet-lite0"),
        (["add", "x"], 2, "images or vectors"),
        (["models", "pull", "nothing"], 1, "nothing"),
    ],
)
def test_errors_are_one_line_and_say_what_to_do(
    run: Run, data: Path, words: list[str], code: int, part: str
) -> None:
    """Exit 2 for wrong usage, 1 for other errors; one line that names the thing and a remedy."""
    result = run(*words, data=data)
    assert result.returncode == code, result.stderr
    assert result.stderr.startswith("mitame: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.count(": ") >= 2
    assert part in result.stderr
    assert result.stdout == ""


def test_error_as_json_and_traceback_on_demand(run: Run, data: Path) -> None:
    """--json gives code and remedy as JSON on standard error; --debug the traceback."""
    body = json.loads(run("search", "--id", "nobody", "--json", data=data).stderr)["error"]
    assert body["code"] == "item_not_found"
    assert body["remedy"]
    assert "Traceback" in run("search", "--id", "nobody", "--debug", data=data).stderr


@pytest.mark.parametrize(
    "words",
    [
        ["index", "nowhere"],
        ["index", ".", "--lens", "look=vectors:3"],
        ["index", ".", "--errors", "nowhere/errors.jsonl"],
        ["add", "x", "nowhere.jpg"],
        ["add", "x", "ftp://host/x.jpg"],
        ["add", "x", "--vector", "short.npy"],
    ],
    ids=" ".join,
)
def test_failed_command_makes_no_collection(run: Run, tmp_path: Path, words: list[str]) -> None:
    """A misspelt name leaves nothing behind."""
    np.save(tmp_path / "short.npy", np.ones(3, np.float32))
    assert run(*words, cwd=tmp_path).returncode in (1, 2)
    assert not (tmp_path / "data").exists()


def test_pipe_that_closes_early_is_no_error(data: Path, catalogue: Path) -> None:
    """`mitame search ... | head -1` ends quietly."""
    words = f"{sys.executable} -m mitame embed {catalogue} | head -c 10"
    result = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    assert "Traceback" not in result.stderr
    assert "Broken pipe" not in result.stderr
