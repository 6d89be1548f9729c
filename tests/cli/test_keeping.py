"""Generations, lenses and backups through the real command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import mitame
from tests.conftest import COUNT, Run


@pytest.fixture
def own(tmp_path: Path, data: Path) -> Path:
    """A copy of the indexed collection, free to be changed."""
    copy = tmp_path / "own"
    shutil.copytree(data, copy)
    return copy


def neighbors(run: Run, data: Path, *words: object) -> list[str]:
    """Ids of an answer."""
    result = run("search", "--json", *words, data=data)
    assert result.returncode == 0, result.stderr
    return [each["id"] for each in json.loads(result.stdout)["neighbors"]]


def test_merge_keeps_answers_and_lists_generations(run: Run, own: Path, catalogue: Path) -> None:
    """Before and after merges and a rollback the same question has the same answer."""
    picture = sorted((catalogue / "mug").glob("*.jpg"))[0]
    before = neighbors(run, own, picture)
    assert json.loads(run("merge", "--json", data=own).stdout)["generation"] == 1
    assert neighbors(run, own, picture) == before
    assert json.loads(run("merge", "--json", data=own).stdout)["generation"] is None
    run("add", "extra", picture, data=own)
    with_extra = neighbors(run, own, picture)
    assert "extra" in with_extra
    assert run("merge", data=own).stdout == "generation 2 is served\n"
    told = json.loads(run("generations", "--json", data=own).stdout)
    assert [(each["number"], each["served"]) for each in told["generations"]] == [
        (1, False),
        (2, True),
    ]
    assert told["delta"]["items"] == 0
    assert run("rollback", 1, data=own).returncode == 0
    assert neighbors(run, own, picture) == with_extra
    assert "served" in run("generations", data=own).stdout.splitlines()[0]
    refused = run("rollback", 7, data=own)
    assert refused.returncode == 2
    assert "there are: 1, 2" in refused.stderr


def test_merge_if_due_does_nothing_for_little(run: Run, own: Path) -> None:
    """A handful of changes is not worth a snapshot."""
    result = run("merge", "--if-due", data=own)
    assert result.stdout == "nothing to merge\n"


def test_half_precision_keeps_the_nearest(run: Run, own: Path, catalogue: Path) -> None:
    """float16 vectors find the same picture first."""
    picture = sorted((catalogue / "hat").glob("*.jpg"))[0]
    before = neighbors(run, own, picture, "--limit", 1)
    assert run("merge", "--half", data=own).returncode == 0
    assert neighbors(run, own, picture, "--limit", 1) == before


def test_change_of_the_embedder_without_downtime(run: Run, own: Path, catalogue: Path) -> None:
    """Add a lens, ask both side by side, switch, switch back."""
    picture = sorted((catalogue / "mug").glob("*.jpg"))[0]
    look, color = neighbors(run, own, picture), neighbors(run, own, picture, "--lens", "color")
    assert look != color
    added = run("lens", "add", "next", "color", "--json", data=own)
    assert json.loads(added.stdout)["filled"] == COUNT
    assert neighbors(run, own, picture, "--lens", "next") == color
    assert neighbors(run, own, picture) == look
    assert run("lens", "switch", "look", "next", data=own).returncode == 0
    assert neighbors(run, own, picture) == color
    assert neighbors(run, own, picture, "--lens", "next") == look
    assert run("lens", "switch", "look", "next", data=own).returncode == 0
    assert neighbors(run, own, picture) == look
    assert run("lens", "drop", "next", data=own).returncode == 0
    names = json.loads(run("lens", "list", "--json", data=own).stdout)["lenses"]
    assert [each["name"] for each in names] == ["look", "color"]


def test_lens_that_is_not_filled_is_not_switched_to(run: Run, own: Path, tmp_path: Path) -> None:
    """A picture that is gone can't be embedded again: it is told, and the switch is refused."""
    with mitame.open(own) as shop:
        shop.add("bytes-only", image=next(iter(shop.items())).images[0].source)
        shop.add("bare", vector=np.ones(1280))
    added = run("lens", "add", "next", "color", data=own)
    assert added.returncode == 1
    assert "bare" in added.stderr
    refused = run("lens", "switch", "look", "next", data=own)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert run("lens", "switch", "look", "next", "--force", data=own).returncode == 0


def test_backup_and_restore(run: Run, own: Path, tmp_path: Path, catalogue: Path) -> None:
    """A restored backup answers as the collection did when it was made."""
    picture = sorted((catalogue / "mug").glob("*.jpg"))[0]
    before = neighbors(run, own, picture)
    run("merge", data=own)
    assert run("backup", tmp_path / "copy", data=own).returncode == 0
    again = run("backup", tmp_path / "copy", data=own)
    assert again.returncode == 1
    run("remove", before[0], data=own)
    restored = run("restore", tmp_path / "copy", "--collection", "old", data=own)
    assert restored.returncode == 0, restored.stderr
    assert neighbors(run, own, picture, "--collection", "old") == before
    assert before[0] not in neighbors(run, own, picture)
    taken = run("restore", tmp_path / "copy", "--collection", "old", data=own)
    assert taken.returncode == 1
    assert run("verify", "--collection", "old", data=own).stdout == "whole\n"


def test_verify_finds_a_flipped_byte(run: Run, own: Path) -> None:
    """One bit in a snapshot: exit 1, and the part is named."""
    run("merge", data=own)
    part = max(
        (own / "default" / "snapshots" / "000001").glob("*.part"), key=lambda f: f.stat().st_size
    )
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 4
    part.write_bytes(content)
    result = run("verify", data=own)
    assert result.returncode == 1
    assert part.name in result.stdout


def test_backup_that_is_damaged_is_not_restored(run: Run, own: Path, tmp_path: Path) -> None:
    """Restoring verifies first, and makes nothing when something is wrong."""
    run("merge", data=own)
    run("backup", tmp_path / "copy", data=own)
    part = max((tmp_path / "copy").rglob("*.part"), key=lambda f: f.stat().st_size)
    content = bytearray(part.read_bytes())
    content[-5] ^= 1
    part.unlink()
    part.write_bytes(content)
    result = run("restore", tmp_path / "copy", "--collection", "old", data=own)
    assert result.returncode == 1
    assert not (own / "old").exists()
    assert run("verify", data=own).returncode == 0


def test_export_and_import(run: Run, own: Path, tmp_path: Path, catalogue: Path) -> None:
    """Out to a file and in again, into a collection that is made for it: the same answers."""
    table = tmp_path / "shop.npy"
    assert run("export", table, data=own).returncode == 0
    brought = run("import", table, "--collection", "again", data=own)
    assert brought.returncode == 0, brought.stderr
    picture_id = f"mug/{sorted((catalogue / 'mug').glob('*.jpg'))[0].name}"
    first = neighbors(run, own, "--id", picture_id)
    second = neighbors(run, own, "--id", picture_id, "--collection", "again")
    assert first == second


def test_an_older_generation_is_asked(run: Run, own: Path, catalogue: Path) -> None:
    """As it answered; what has gone since is told as gone; a number that is not kept is refused."""
    picture = sorted((catalogue / "mug").glob("*.jpg"))[0]
    run("add", "extra", picture, data=own)
    run("merge", data=own)
    first = neighbors(run, own, picture)
    run("remove", "extra", data=own)
    run("merge", data=own)
    assert "extra" not in neighbors(run, own, picture)
    assert neighbors(run, own, picture, "--generation", 1) == first
    lines = run("search", picture, "--generation", 1, data=own).stdout.splitlines()
    assert next(line for line in lines if "extra" in line).endswith(
        "extra  (has been removed since)"
    )
    refused = run("search", picture, "--generation", 3, data=own)
    assert refused.returncode != 0
    assert "there is no generation 3" in refused.stderr
    assert "1, 2" in refused.stderr
