"""What is a file, what a member, and what is gone for certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from mitame.ingest.places import archive_of, is_gone


def test_a_mark_in_a_folder_is_no_archive(tmp_path: Path) -> None:
    """Only what is a file, or has an archive's suffix, has members."""
    (tmp_path / "wow!").mkdir()
    (tmp_path / "bundle").write_bytes(b"x")
    (tmp_path / "a.zip!b").mkdir()
    (tmp_path / "a.zip!b" / "1.png").write_bytes(b"x")
    assert archive_of(f"{tmp_path}/wow!/1.png") is None
    assert archive_of(f"{tmp_path}/a.zip!b/1.png") is None
    assert archive_of("https://example.org/a.zip!b") is None
    assert archive_of(f"{tmp_path}/bundle!1.png") == f"{tmp_path}/bundle"
    assert archive_of(f"{tmp_path}/wow!/gone.tar.gz!x!y.png") == f"{tmp_path}/wow!/gone.tar.gz"


def test_only_nothing_there_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file and a file in a file's place; a dangling link and a refusal are not."""
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    assert is_gone(f"{tmp_path}/missing")
    assert is_gone(f"{tmp_path}/file/1.png")
    assert not is_gone(f"{tmp_path}/link")
    assert not is_gone(f"{tmp_path}/{'x' * 5000}")
    assert not is_gone(f"{tmp_path}/nul\0")

    def refuses(self: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", refuses)
    assert not is_gone(f"{tmp_path}/missing")
