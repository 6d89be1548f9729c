"""Decisions about near-copies on the disk: one per set of items, conditional, bounded, shared."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from mitame.collection import create
from mitame.collection.paths import DECISIONS
from mitame.errors import (
    CorruptCollection,
    DecisionNotFound,
    InvalidId,
    PreconditionFailed,
    UsageError,
)
from mitame.feedback import Decision, DecisionStore, decided, decisions
from tests.collection.made import LOOK, put


def test_the_latest_word_counts(tmp_path: Path) -> None:
    """One decision per set of items, in whatever order; the same again changes nothing."""
    store = DecisionStore(tmp_path)
    assert store.decisions() == []
    assert not (tmp_path / DECISIONS).exists()  # reading makes no file
    first = store.decide(["b", "a", "b"], "same")
    assert first.ids == ("a", "b")
    assert store.decide(["a", "b"], "same") == first
    other = store.decide(["a", "b"], "different")
    assert (other.id, other.value) == (first.id, "different")
    assert other.sequence > first.sequence
    pair = store.decide(["a", "c"], "same")
    assert store.decisions() == [other, pair]
    assert store.decisions(other.sequence) == [pair]
    assert store.decisions(0, 1) == [other]
    assert store.get(pair.id) == pair
    store.close()
    again = DecisionStore(tmp_path)
    assert again.decisions() == [other, pair]
    again.close()


def test_a_decision_holds_for_groups_within_it(tmp_path: Path) -> None:
    """Also for a smaller group; not for one that has grown. The latest one that fits counts."""
    store = DecisionStore(tmp_path)
    large = store.decide(["a", "b", "c"], "same")
    found = store.decided()
    assert found.of(["a", "b", "c"]) == found.of(["a", "c"]) == large
    assert found.of(["a", "b", "c", "d"]) is found.of(["d", "e"]) is None
    small = store.decide(["a", "b"], "different")
    assert store.decided().of(["a", "b"]) == small
    assert store.decided().of(["b", "c"]) == large
    assert store.decided() is store.decided()  # read once while nothing changes
    store.withdraw(small.id)
    assert store.decided().of(["a", "b"]) == large
    store.close()


def test_conditions(tmp_path: Path) -> None:
    """Only where nothing, or just this, was decided; what fails changes nothing."""
    store = DecisionStore(tmp_path)
    star = frozenset({"*"})
    with pytest.raises(PreconditionFailed):
        store.decide(["a", "b"], "same", one_of=star)
    first = store.decide(["a", "b"], "same", none_of=star)
    with pytest.raises(PreconditionFailed):
        store.decide(["a", "b"], "different", none_of=star)
    second = store.decide(["a", "b"], "different", one_of=frozenset({first.tag}))
    with pytest.raises(PreconditionFailed):
        store.decide(["a", "b"], "same", one_of=frozenset({first.tag}))
    with pytest.raises(PreconditionFailed):
        store.withdraw(second.id, one_of=frozenset({first.tag}))
    assert store.decisions() == [second]
    store.withdraw(second.id, one_of=frozenset({second.tag}))
    assert store.decisions() == []
    store.close()


def test_two_processes_see_each_other(tmp_path: Path) -> None:
    """Stores opened apart: what one decides or withdraws, the other knows at its next question."""
    one, other = DecisionStore(tmp_path), DecisionStore(tmp_path)
    first = one.decide(["a", "b"], "same")
    assert other.decided().of(["a", "b"]) == first
    one.withdraw(first.id)
    assert other.decided().of(["a", "b"]) is None
    again = other.decide(["a", "b"], "different")
    assert one.decided().of(["a", "b"]) == again
    one.close()
    other.close()


def test_what_is_decided_is_brought_forward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever two processes decide, change and withdraw, it is what would be read anew."""
    monkeypatch.setattr(decided, "_MOST_RECENT", 6)
    rng = random.Random(0)
    stores = DecisionStore(tmp_path), DecisionStore(tmp_path)
    groups = [[*"abcdefgh"[n : n + size]] for size in (2, 3, 4) for n in range(9 - size)]
    for _ in range(80):
        store = rng.choice(stores)
        known = store.decisions()
        if known and rng.random() < 0.3:
            store.withdraw(rng.choice(known).id)
        else:
            store.decide(rng.choice(groups), rng.choice(decisions.VERDICTS))
        anew = DecisionStore(tmp_path)
        for each in rng.sample(stores, rng.randint(0, 2)):
            found, right = each.decided(), anew.decided()
            assert found.count == right.count
            assert [found.of(g) for g in groups] == [right.of(g) for g in groups]
        anew.close()
    for store in stores:
        store.close()


def test_only_new_decisions_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for each that has come or was changed; all of them only where one has gone."""
    store = DecisionStore(tmp_path)
    parse = Mock(wraps=decisions._decision)
    monkeypatch.setattr(decisions, "_decision", parse)

    def rows() -> int:
        before = parse.call_count
        store.decided()
        return parse.call_count - before

    made = [store.decide([f"a{n}", f"b{n}"], "same") for n in range(20)]
    assert (rows(), rows()) == (20, 0)
    store.decide(["a", "b"], "same")
    assert rows() == 1
    store.decide(made[3].ids, "different")
    store.decide(["a", "c"], "same")
    assert rows() == 2
    store.withdraw(made[5].id)
    assert rows() == 21
    store.close()


def test_what_cant_be_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few or too many items, no verdict, no such decision, no room: nothing is written."""
    store = DecisionStore(tmp_path)
    kept = store.decide(["a", "b"], "same")
    for ids in ([], ["a"], ["a", "a"], [str(n) for n in range(1_001)]):
        with pytest.raises(UsageError):
            store.decide(ids, "same")
    with pytest.raises(UsageError):
        store.decide(["a", "c"], "similar")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidId):
        store.decide(["a", ""], "same")
    for wrong in ("", "0" * 32):
        with pytest.raises(DecisionNotFound):
            store.get(wrong)
        with pytest.raises(DecisionNotFound):
            store.withdraw(wrong)
    monkeypatch.setattr(decisions, "MAX_ALL_IDS", 4)
    with pytest.raises(UsageError, match="no room"):
        store.decide(["c", "d", "e"], "same")
    changed = store.decide(["a", "b"], "different")  # what is there can still be changed
    monkeypatch.setattr(decisions, "MAX_DECISIONS", 1)
    with pytest.raises(UsageError, match="no room"):
        store.decide(["c", "d"], "same")
    assert changed.id == kept.id
    assert store.decisions() == [changed]
    store.close()


_WRITER = """
import sys
from pathlib import Path
from mitame.feedback import DecisionStore
store = DecisionStore(Path(sys.argv[1]))
for n in range(10_000):
    store.decide([f"a{n}", f"b{n}"], "same")
    print(n, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """kill -9 in the midst of deciding: all that was told is there."""
    words = [sys.executable, "-c", _WRITER, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
    store = DecisionStore(tmp_path)
    assert {each.ids[0] for each in store.decisions()} >= {f"a{n}" for n in told}
    store.close()


def test_damage_is_an_error_that_says_so(tmp_path: Path) -> None:
    """Neither a file that is none, nor a row that can't be right, is passed over."""
    store = DecisionStore(tmp_path)
    store.decide(["a", "b"], "same")
    store.close()
    with sqlite3.connect(tmp_path / DECISIONS) as connection:
        connection.execute("UPDATE decisions SET ids = '[1, 2'")
    connection.close()
    with pytest.raises(CorruptCollection):
        store.decided()
    store.close()
    (tmp_path / DECISIONS).write_bytes(b"no database at all" * 100)
    with pytest.raises(CorruptCollection):
        store.decisions()
    store.close()


def test_a_backup_has_them(tmp_path: Path) -> None:
    """As they are when it is made."""
    with create(tmp_path / "shop", [LOOK]) as shop:
        shop.append([put("a"), put("b")])
        store = DecisionStore(shop.path)
        made: Decision = store.decide(["a", "b"], "same")
        shop.backup(tmp_path / "copy")
        store.close()
    copy = DecisionStore(tmp_path / "copy")
    assert copy.decisions() == [made]
    copy.close()
