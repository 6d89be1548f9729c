"""How units are dealt out to workers: all of them, in order, in lists of a fitting length."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from mitame.ingest.pipeline import MAX_CHUNK, _chunks
from mitame.ingest.report import Progress


@dataclass(frozen=True)
class Offer:
    """What `_chunks` looks at of a candidate."""

    size: int | None = 100


@dataclass(frozen=True)
class Stub:
    """What `_chunks` looks at of a unit."""

    number: int
    held: int = 0
    candidates: tuple[Offer, ...] = (Offer(),)


def dealt(count: int, batch: int, workers: int, total: int | None) -> list[list[Stub]]:
    units = [Stub(number) for number in range(count)]
    progress = Progress(total=total)
    return list(_chunks(units, batch, workers, progress))  # type: ignore[arg-type]  # stubs


@given(st.integers(0, 3_000), st.integers(1, 32), st.integers(1, 16), st.booleans())
def test_nothing_is_lost_and_no_list_is_too_long(
    count: int, batch: int, workers: int, is_counted: bool
) -> None:
    """Every unit comes once, in order, whether or not the total is known."""
    chunks = dealt(count, batch, workers, count if is_counted else None)
    assert [unit.number for chunk in chunks for unit in chunk] == list(range(count))
    assert all(1 <= len(chunk) <= MAX_CHUNK for chunk in chunks)
    assert all(len(chunk) >= batch for chunk in chunks[:-1])


def test_lists_shrink_towards_a_known_end() -> None:
    """With a known total the last lists are short, so that no thread is left alone with much."""
    lengths = [len(chunk) for chunk in dealt(2_000, 1, 2, 2_000)]
    assert max(lengths) == MAX_CHUNK
    assert lengths[:4] == [1, 1, 1, 1]
    assert max(lengths[-4:]) <= 2
    assert min(len(chunk) for chunk in dealt(2_016, 1, 2, None)[-4:-1]) == MAX_CHUNK


def test_a_wrong_total_does_no_harm() -> None:
    """Files that appear while the run goes on only make the lists shorter."""
    chunks = dealt(500, 4, 2, 100)
    assert sum(map(len, chunks)) == 500
    assert all(len(chunk) >= 4 for chunk in chunks[:-1])
