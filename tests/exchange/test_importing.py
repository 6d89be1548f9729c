"""Rows into a collection: what is put, what is refused by number, and what stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.collection import Item, ItemImage, Put
from mitame.errors import InvalidFile, InvalidVector, UnknownLens, UsageError
from mitame.exchange import (
    Block,
    ImportReport,
    RefusedRow,
    Row,
    Rows,
    export_rows,
    import_rows,
    make_collection,
    read,
)
from mitame.ingest.report import Progress


def made(*blocks: Block, dimension: int | None = 2, unique: bool = False) -> Rows:
    return Rows("made", "made", lambda: iter(blocks), dimension=dimension, unique=unique)


def vector(*numbers: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(numbers, np.float32)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], mitame.Collection]:
    return lambda: mitame.open(tmp_path, lenses={"v": "vectors:2:euclidean"})


BAD: Block = [
    Row("none", None, number=1),
    Row("long", vector(1, 2, 3), number=2),
    Row("nan", vector(1, np.nan), number=3),
    Row("inf", vector(1, np.inf), number=4),
    Row("a", vector(3, 4), number=5),
    Row("", vector(1, 2), number=6),
    Row("bell\a", vector(1, 2), number=7),
    Row("attributes", vector(1, 2), attributes={"x": object()}, number=8),
    Row("many", vector(1, 2), attributes={str(i): 0 for i in range(1_001)}, number=9),
    Row("category", vector(1, 2), category="", number=10),
    Row("half\ud800", vector(1, 2), number=11),
    RefusedRow(12, InvalidFile("a bad line")),
]


def test_bad_rows_are_refused_and_the_rest_goes_on(
    opened: Callable[[], mitame.Collection],
) -> None:
    """Each by its number; rows before, between and after are put."""
    block: Block = [Row("a", vector(1, 2)), *BAD, Row("z", vector(5, 6), "mug", {"n": 1}, 13)]
    with opened() as items:
        report = import_rows(items, made(block))
        assert sorted(each.number for each in report.refusals) == list(range(1, 13))
        assert (report.added, report.replaced, report.refused) == (2, 0, 12)
        assert [item.id for item in items.items()] == ["a", "z"]
        assert items.vectors("a").tolist() == [[1, 2]]
        last = items.get("z")
        assert last is not None
        assert (last.category, last.attributes) == ("mug", {"n": 1})
        assert last.images[0].source is None
    assert {
        "row": 12,
        "reason": "a bad line: copy the file again from where it came, or name its --format",
    } in report.to_json()["refusals"]


def test_an_id_twice_in_the_file(opened: Callable[[], mitame.Collection]) -> None:
    """The first one counts, in whichever block the second comes; a later file may replace."""
    first: Block = [Row("a", vector(1, 2), number=0)]
    second: Block = [Row("b", vector(1, 2), number=1), Row("a", vector(3, 4), number=2)]
    with opened() as items:
        report = import_rows(items, made(first, second))
        assert (report.added, report.refusals[0].number) == (2, 2)
        assert "row 0" in report.refusals[0].error.message
        again = import_rows(items, made([Row("a", vector(3, 4))]))
        assert (again.added, again.replaced) == (0, 1)
        assert items.vectors("a").tolist() == [[3, 4]]
        assert len(items) == 2


def test_an_item_is_replaced_whole(opened: Callable[[], mitame.Collection]) -> None:
    """Nothing of the old one is mixed in."""
    with opened() as items:
        items.add("a", vector=[1, 2], category="mug", attributes={"n": 1})
        import_rows(items, made([Row("a", vector(3, 4))]))
        item = items.get("a")
        assert item is not None
        assert (item.category, item.attributes, len(item.images)) == (None, {}, 1)


def test_a_file_that_breaks_off_keeps_what_came_before(
    opened: Callable[[], mitame.Collection],
) -> None:
    """Blocks are durable one by one; the error still comes out."""

    def blocks() -> Iterator[Block]:
        yield [Row("a", vector(1, 2))]
        raise InvalidFile("damaged further on")

    rows = Rows("made", "made", blocks, dimension=2)
    with opened() as items:
        with pytest.raises(InvalidFile, match="further on"):
            import_rows(items, rows)
        assert [item.id for item in items.items()] == ["a"]


def test_wrong_dimension_or_lens_changes_nothing(opened: Callable[[], mitame.Collection]) -> None:
    """Told before the first row is put."""
    with opened() as items:
        with pytest.raises(InvalidVector, match="3 dimensions"):
            import_rows(items, made([Row("a", vector(1, 2))], dimension=3))
        with pytest.raises(UnknownLens):
            import_rows(items, made([Row("a", vector(1, 2))]), lens="look")
        with pytest.raises(UnknownLens):
            export_rows(items, "x.jsonl", lens="look")
        assert len(items) == 0


def test_progress_and_many_refusals(opened: Callable[[], mitame.Collection]) -> None:
    """Told after every block; a report keeps the first refusals and counts all."""
    told: list[int] = []
    bad: Block = [Row("none", None, number=i) for i in range(1_500)]

    def note(progress: Progress) -> None:
        told.append(progress.done)

    with opened() as items:
        report = import_rows(items, made(bad, [Row("a", vector(1, 2))]), on_progress=note)
    assert told == [1_500, 1_501]
    assert (report.refused, len(report.refusals), report.added) == (1_500, 1_000, 1)


def test_a_collection_for_the_rows(tmp_path: Path) -> None:
    """Takes their dimension and distance; says what is missing or can't be."""
    rows = Rows("x", "annoy", lambda: iter([]), dimension=3, distance="inner_product")
    with make_collection(tmp_path, "a", rows) as items:
        spec = items.lenses["vectors"].spec
        assert (spec.dimension, spec.distance) == (3, "inner_product")
    with make_collection(tmp_path, "b", rows, metric="euclidean", lens="shape") as items:
        assert items.lenses["shape"].spec.distance == "euclidean"
    with pytest.raises(UsageError, match="manhattan"):
        make_collection(tmp_path, "c", rows, metric="manhattan")
    with pytest.raises(UsageError, match="dimension"):
        make_collection(tmp_path, "c", made(dimension=None))


def test_export_takes_what_matches_from_one_lens(tmp_path: Path) -> None:
    """The filter, the lens, and the counts of what has no place in the file."""
    lenses = {"v": "vectors:2:euclidean", "w": "vectors:3:euclidean"}
    with mitame.open(tmp_path, lenses=lenses) as items:
        items.add("a", vectors={"v": [1, 2], "w": [1, 2, 3]}, category="mug")
        items.add("b", vectors={"v": [3, 4]}, category="mug")
        items.add("c", vectors={"w": [4, 5, 6]}, category="hat")
        told: list[Progress] = []
        report = export_rows(items, tmp_path / "w.jsonl", "w", "category=mug", told.append)
        assert report.to_json() == {"written": 1, "without_vector": 1, "further_images": 0}
        assert told[-1].total == 2
        (row,) = read(tmp_path / "w.jsonl")
        assert (row.id, row.category) == ("a", "mug")
        assert row.vector is not None
        assert row.vector.tolist() == [1, 2, 3]


def test_further_images_are_counted(tmp_path: Path) -> None:
    """An item with several images is written with the first one's vector."""
    with mitame.open(tmp_path, lenses={"v": "vectors:2:euclidean"}) as items:
        images = tuple(ItemImage({"v": vector(i, i)}) for i in range(3))
        items.store.append([Put(Item("a", images=images))])
        report = export_rows(items, tmp_path / "x.jsonl")
        assert (report.written, report.further_images) == (1, 2)
        (row,) = read(tmp_path / "x.jsonl")
        assert row.vector is not None
        assert row.vector.tolist() == [0, 0]


def test_dimension_is_checked_or_taken(tmp_path: Path) -> None:
    """A dimension that is not the file's is refused; a metric says which distance ranks so."""
    (tmp_path / "x.csv").write_text("a,1,2\n")
    with pytest.raises(InvalidFile, match="2 dimensions, not 3"):
        read(tmp_path / "x.csv", dimension=3)
    assert read(tmp_path / "x.csv", metric="dot").distance == "inner_product"
    (tmp_path / "x.jsonl").write_text('{"id": "a"}\n')
    assert read(tmp_path / "x.jsonl", dimension=3).dimension == 3
    with pytest.raises(UsageError):
        read(tmp_path / "x.csv", dimension=0)


def test_reports_begin_empty() -> None:
    """Two reports share nothing."""
    one = ImportReport()
    one.refuse(RefusedRow(0, InvalidFile("x")))
    assert ImportReport().refusals == []
