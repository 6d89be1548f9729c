"""A tuning's report, read again: whole, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mitame.choosing.report import REPORTS, read_report

WHOLE = (
    '{"lens": "look", "rows": 1, "questions": 1, "wish": {}, "choice": {}, "measured": {},'
    ' "trials": []}'
)


def test_a_report_is_read(tmp_path: Path) -> None:
    """As it was written; another lens has none."""
    (tmp_path / REPORTS).mkdir()
    (tmp_path / REPORTS / "tuning-look.json").write_text(WHOLE)
    found = read_report(tmp_path, "look")
    assert found is not None
    assert found["lens"] == "look"
    assert read_report(tmp_path, "color") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "[" * 100_000, WHOLE + " " * (4 << 20)])
def test_a_damaged_one_is_none(tmp_path: Path, text: str) -> None:
    """Cut off, something else, deep or huge: no error, as nothing depends on it."""
    (tmp_path / REPORTS).mkdir()
    (tmp_path / REPORTS / "tuning-look.json").write_text(text)
    assert read_report(tmp_path, "look") is None
