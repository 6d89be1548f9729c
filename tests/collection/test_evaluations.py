"""What was measured is kept, bounded, in backups; merges add the recall of what they build."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.collection import Choice, Evaluation, EvaluationStore, IndexFacts, index_status
from mitame.collection.evaluations import now
from mitame.collection.paths import EVALUATIONS
from mitame.errors import CorruptCollection, NewerFormat

ONE = Evaluation("categories", "look", "print", "exact", 7, 2, 50, 10, {"share": 0.5}, 1_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvaluationStore]:
    with closing(EvaluationStore(tmp_path)) as found:
        yield found


def test_none_without_a_file(store: EvaluationStore, tmp_path: Path) -> None:
    """Reading makes no file, and neither does keeping nothing."""
    assert store.evaluations() == []
    assert store.add([]) == []
    assert not (tmp_path / EVALUATIONS).exists()


def test_newest_first_page_by_page(store: EvaluationStore, tmp_path: Path) -> None:
    """As they were added, whoever opens the file; by kind and lens, too."""
    recall = replace(ONE, kind="recall", lens="color", measures={"recall": 0.99})
    added = store.add([ONE, recall, replace(ONE, at=2_000, generation=3)])
    assert [each.sequence for each in added] == [1, 2, 3]
    with closing(EvaluationStore(tmp_path)) as other:
        assert other.evaluations() == added[::-1]
        assert other.evaluations(limit=2) == added[:0:-1]
        assert other.evaluations(before=added[1].sequence) == added[:1]
        assert other.evaluations(kind="recall") == added[1:2]
        assert other.evaluations(lens="look", limit=1) == added[2:]
        assert other.evaluations(lens="look", kind="recall") == []


def test_the_oldest_of_a_kind_leave(tmp_path: Path) -> None:
    """However many merges there are, they push out no other kind."""
    with closing(EvaluationStore(tmp_path, most=3)) as small:
        small.add([replace(ONE, kind="recall", measures={"recall": 1.0})])
        for number in range(5):
            small.add([replace(ONE, position=number)])
        kept = small.evaluations()
    assert [(each.kind, each.position) for each in kept] == [
        ("categories", 4),
        ("categories", 3),
        ("categories", 2),
        ("recall", 7),
    ]


def test_none_is_kept_where_one_cannot_be(store: EvaluationStore) -> None:
    """What is no number is refused, and so is what came with it."""
    with pytest.raises(ValueError, match="JSON"):
        store.add([ONE, replace(ONE, measures={"share": float("nan")})])
    assert store.evaluations() == []


@pytest.mark.parametrize("text", ["[1]", "{", '{"share": "x"}', '{"share": NaN}', "[" * 10_000])
def test_a_row_that_cannot_be_right_is_told(
    store: EvaluationStore, tmp_path: Path, text: str
) -> None:
    """It is damage, with a code, not a crash."""
    store.add([ONE])
    with closing(sqlite3.connect(tmp_path / EVALUATIONS)) as connection, connection:
        connection.execute("UPDATE evaluations SET measures = ?", (text,))
    with pytest.raises(CorruptCollection):
        store.evaluations()


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    """By name, before anything is read or written."""
    with closing(EvaluationStore(tmp_path)) as store:
        store.add([ONE])
    with closing(sqlite3.connect(tmp_path / EVALUATIONS)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with closing(EvaluationStore(tmp_path)) as store, pytest.raises(NewerFormat):
        store.evaluations()


def facts_of(shop: mitame.Collection) -> IndexFacts:
    with shop.store.pin() as view:
        found = index_status(view, "indexed").facts
    assert found is not None
    return found


def test_each_merge_adds_the_recall_it_measured(tmp_path: Path) -> None:
    """Of lenses with an index, by generation; and a backup has them."""
    lenses = {"indexed": "vectors:8:euclidean", "plain": "vectors:4"}
    rng, before = np.random.default_rng(1), now()
    with mitame.open(tmp_path, "shop", lenses=lenses) as shop:
        shop.store.choose("indexed", Choice("cascade", {}, k=5))
        for generation in (1, 2):
            for number in range(150):
                vectors = {"indexed": rng.normal(size=8), "plain": rng.normal(size=4)}
                shop.add(f"{generation}-{number}", vectors=vectors)
            assert shop.store.merge() == generation
            with shop.store.pin() as view:
                position = view.position
            newest, *older = shop.evaluations()
            facts = facts_of(shop)
            assert (newest.kind, newest.lens, newest.engine) == ("recall", "indexed", "cascade")
            assert newest.fingerprint == shop.lenses["indexed"].spec.fingerprint
            assert (newest.generation, newest.position) == (generation, position)
            assert (newest.queries, newest.k) == (facts.sample, 5)
            assert newest.measures == {"recall": facts.recall}
            assert before < newest.at <= now()
            assert [each.generation for each in older] == list(range(1, generation))
        assert shop.store.merge() is None
        assert len(shop.evaluations()) == 2, "nothing was made, so nothing was measured"
        shop.store.backup(tmp_path / "kept")
        with mitame.open(tmp_path, "kept") as copy:
            assert copy.evaluations() == shop.evaluations()


def test_a_merge_is_worth_more_than_a_note_of_it(tmp_path: Path) -> None:
    """Where the file is damaged, the snapshot is made and served all the same."""
    with mitame.open(tmp_path, "shop", lenses={"indexed": "vectors:8:euclidean"}) as shop:
        (shop.path / EVALUATIONS).write_bytes(b"no database" * 100)
        shop.store.choose("indexed", Choice("cascade", {}))
        for number, vector in enumerate(np.random.default_rng(1).normal(size=(100, 8))):
            shop.add(number, vector=vector)
        assert shop.store.merge() == 1
        assert facts_of(shop).engine == "cascade"
        with pytest.raises(CorruptCollection):
            shop.evaluations()
