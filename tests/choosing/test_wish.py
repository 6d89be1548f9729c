"""Sizes and times as people write them, and wishes that can't be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.choosing.wish import Wish, parse_seconds, parse_size, size_text, time_text
from mitame.errors import UsageError


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2GB", 2 * 10**9),
        ("500 MB", 500 * 10**6),
        ("1.5GiB", 3 * 2**29),
        (" 64k ", 64_000),
        ("1tb", 10**12),
        ("12", 12),
        ("0", 0),
        ("7b", 7),
        (".5MiB", 2**19),
    ],
)
def test_sizes(text: str, count: int) -> None:
    """Thousands, and 1,024 with an i."""
    assert parse_size(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1ms", 1e-3), ("2m", 120.0), ("90s", 90.0), ("90", 90.0), ("1.5H", 5_400.0), ("7us", 7e-6)],
)
def test_times(text: str, seconds: float) -> None:
    """From microseconds to hours; without a unit, seconds."""
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "GB", "-1GB", "2 G B", "1e3", "2XB", "nan", "9" * 400, "\u0661GB"]
)
def test_what_is_no_size(text: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(UsageError, match="is not a size") as caught:
        parse_size(text)
    assert "2GB" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "ms", "-1s", "0s", "1 fortnight", "inf", "1:30"])
def test_what_is_no_time(text: str) -> None:
    """Nor is none at all a time to measure in."""
    with pytest.raises(UsageError, match="is not a time"):
        parse_seconds(text)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else comes out."""
    for parse in (parse_size, parse_seconds):
        try:
            assert parse(text) >= 0
        except UsageError:
            continue


@given(st.integers(0, 10**14))
def test_sizes_for_people_are_near(count: int) -> None:
    """What is shown, read again, is the size to three digits."""
    shown = parse_size(size_text(count).replace(" bytes", ""))
    assert shown == pytest.approx(count, rel=6e-3)


def test_times_for_people() -> None:
    """A unit that suits."""
    texts = [time_text(seconds) for seconds in (12e-6, 3.4e-3, 2.0, 150.0)]
    assert texts == ["12 µs", "3.4 ms", "2 s", "2.5 min"]


@pytest.mark.parametrize(
    "wrong",
    [{"recall": 0.0}, {"recall": 1.1}, {"k": 0}, {"k": 1_001}, {"memory": -1}, {"latency": 0.0}],
)
def test_wishes_that_cant_be_meant(wrong: dict[str, float]) -> None:
    """They are refused when they are stated."""
    with pytest.raises(UsageError):
        Wish(**wrong)  # type: ignore[arg-type]  # a number for every field
