"""Feedback on the disk: each event once, in order, whole after a kill; questions within bounds."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.collection.paths import FEEDBACK, QUERIES, list_collections
from mitame.dropping import drop_collection
from mitame.errors import CorruptCollection, NewerFormat, UsageError
from mitame.feedback import AskedQuestion, Event, FeedbackStore, RecentQueries
from mitame.feedback.events import microseconds, time_text

QUESTION = AskedQuestion(
    "image",
    "look",
    "abc",
    7,
    ["i1"],
    ["i2", "i3"],
    {"must": []},
    np.arange(6, dtype=np.float32).reshape(2, 3),
)


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    """Every field, the question with its vectors, in the order of storing."""
    store = FeedbackStore(tmp_path)
    events = [
        Event("shown", "i2", 1, at=1_700_000_000_000_001),
        Event("judged", "i3", value="similar", event_id="mine"),
    ]
    assert store.events() == []
    assert not (tmp_path / FEEDBACK).exists()  # reading makes no file
    assert store.add("q1", events, QUESTION) == 2
    assert store.add("q2", [Event("clicked", "i2")]) == 1
    first, second, third = store.events(vectors=True)
    assert [first.event, second.event] == events
    assert (first.query_id, third.query_id) == ("q1", "q2")
    assert first.sequence < second.sequence < third.sequence
    assert third.question is None
    assert first.question is not None
    assert first.question.to_json(vectors=True) == QUESTION.to_json(vectors=True)
    assert store.events(first.sequence, 1)[0].event == events[1]
    assert store.events()[0].question.vectors is None  # type: ignore[union-attr]  # it has one
    store.close()


def test_sent_again_it_counts_once(tmp_path: Path) -> None:
    """By the sender's id whatever else it says, otherwise by all that it says."""
    store = FeedbackStore(tmp_path)
    named = [Event("clicked", "i1", event_id="1"), Event("clicked", "i1", event_id="2")]
    plain = [Event("clicked", "i1"), Event("clicked", "i1", 3)]
    assert store.add("q", [*named, *plain, plain[0]]) == 4
    assert store.add("q", [*named, *plain]) == 0
    assert store.add("q", [Event("bought", "i9", event_id="1")]) == 0
    assert store.add("other", named) == 2
    assert store.count() == 6
    store.close()


def test_two_processes_write(tmp_path: Path) -> None:
    """Stores opened apart see each other's events."""
    one, other = FeedbackStore(tmp_path), FeedbackStore(tmp_path)
    for n in range(20):
        (one if n % 2 else other).add("q", [Event("shown", f"i{n}")])
    assert one.count() == other.count() == 20
    one.close()
    other.close()


_WRITER = """
import sys
from pathlib import Path
from mitame.feedback import Event, FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
n = 0
while True:
    store.add("q", [Event("shown", f"i{n}", event_id=str(n))])
    print(n, flush=True)
    n += 1
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """kill -9 of a writer: all that it said was stored is there."""
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(30)]
    writer.send_signal(signal.SIGKILL)
    said += [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    writer.stdout.close()
    store = FeedbackStore(tmp_path)
    there = {each.event.item for each in store.events()}
    assert {f"i{n}" for n in said} <= there
    store.close()


def test_recent_questions_stay_within_bounds(tmp_path: Path) -> None:
    """The oldest go; the file does not grow with what is asked."""
    recent = RecentQueries(tmp_path, max_bytes=100_000)
    vectors = np.zeros((1, 500), np.float32)
    for n in range(300):
        recent.keep([(f"q{n}", AskedQuestion("vector", "look", vectors=vectors))])
    assert recent.find("q0") is None
    found = recent.find("q299")
    assert found is not None
    assert found.vectors is not None
    assert found.vectors.shape == (1, 500)
    with sqlite3.connect(tmp_path / QUERIES) as connection:
        (count,) = connection.execute("SELECT count(*) FROM queries").fetchone()
    connection.close()
    assert 30 <= count <= 50
    assert recent.find("never") is None
    recent.close()


def test_the_oldest_events_leave(tmp_path: Path) -> None:
    """Within the bound the newest are whole, with their questions; the file does not grow."""
    store = FeedbackStore(tmp_path, max_bytes=300_000)
    for n in range(400):
        store.add(f"q{n}", [Event("shown", f"i{n}", rank) for rank in range(1, 11)], QUESTION)
    events = store.events(limit=100_000)
    assert 500 < len(events) < 3_000
    numbers = [each.sequence for each in events]
    assert numbers == list(range(4_001 - len(events), 4_001))
    assert all(each.question is not None for each in events)
    with sqlite3.connect(tmp_path / FEEDBACK) as connection:
        (asked,) = connection.execute("SELECT count(*) FROM asked").fetchone()
    connection.close()
    assert asked == len({each.query_id for each in events})
    store.close()
    assert (tmp_path / FEEDBACK).stat().st_size < 400_000


def test_questions_that_become_known_late(tmp_path: Path) -> None:
    """Events wait for them: by the question's id, and as answers of it; others are left alone."""
    store = FeedbackStore(tmp_path)
    store.bind([("q1", QUESTION)])
    assert not (tmp_path / FEEDBACK).exists()  # nothing waits
    known = AskedQuestion("id", "look", ids=["mine"])
    store.add("q1", [Event("shown", "i1")])
    store.add("q1~9", [Event("shown", "i2")])
    store.add("q1~8", [Event("shown", "i3")], known)
    for other in ("q10", "q1x", "q2", "q", "q2~1"):
        store.add(other, [Event("shown", "i4")])
    store.bind([("q1", QUESTION), ("q3", known)])
    found = {each.query_id: each.question for each in store.events() if each.question}
    assert {name: list(each.ids) for name, each in found.items()} == {
        "q1": ["i1"],
        "q1~9": ["i1"],
        "q1~8": ["mine"],
    }
    store.close()


def test_what_was_just_stored_stays(tmp_path: Path) -> None:
    """However small the bound: an event that was acknowledged is told once at least."""
    store = FeedbackStore(tmp_path, max_bytes=1)
    for n in range(3):
        assert store.add("q", [Event("shown", f"i{n}"), Event("clicked", f"i{n}")]) == 2
        assert [each.event.item for each in store.events()] == [f"i{n}"] * 2
    store.close()


def test_collections_are_as_before(tmp_path: Path) -> None:
    """Feedback is no damage to a collection, is in its backup, and goes with it."""
    with mitame.open(tmp_path / "data", "shop", lenses={"vectors": "vectors:2"}) as shop:
        shop.add("i1", vector=[1, 0])
        store, recent = FeedbackStore(shop.path), RecentQueries(shop.path)
        store.add("q", [Event("clicked", "i1")])
        recent.keep([("q", QUESTION)])
        shop.store.merge()
        assert shop.check() == []
        assert list_collections(tmp_path / "data") == ["shop"]
        shop.store.backup(tmp_path / "copies" / "one")
        store.add("q", [Event("bought", "i1")])
        path = shop.path
    copied = FeedbackStore(tmp_path / "copies" / "one")
    assert [each.event.type for each in copied.events()] == ["clicked"]
    copied.close()
    assert not (tmp_path / "copies" / "one" / QUERIES).exists()
    store.close()
    recent.close()
    drop_collection(tmp_path / "data", "shop")
    assert not path.exists()


def test_restored_from_a_backup(tmp_path: Path, run: object) -> None:
    """The command brings feedback back with the rest."""
    data = tmp_path / "data"
    with mitame.open(data, "shop", lenses={"vectors": "vectors:2"}) as shop:
        shop.add("i1", vector=[1, 0])
        store = FeedbackStore(shop.path)
        store.add("q", [Event("clicked", "i1")])
        store.close()
        shop.store.backup(tmp_path / "copy")
    assert run("restore", tmp_path / "copy", "--collection", "again").returncode == 0  # type: ignore[operator]  # the fixture
    lines = run("feedback", "export", "-", "--collection", "again")  # type: ignore[operator]  # the fixture
    assert '"clicked"' in lines.stdout


def test_damaged_and_newer_files(tmp_path: Path) -> None:
    """Each is said, with what to do; none is overwritten."""
    (tmp_path / FEEDBACK).write_bytes(b"no database at all" * 100)
    store = FeedbackStore(tmp_path)
    with pytest.raises(CorruptCollection):
        store.add("q", [Event("shown", "i1")])
    with pytest.raises(CorruptCollection):
        store.events()
    assert (tmp_path / FEEDBACK).read_bytes().startswith(b"no database")
    (tmp_path / FEEDBACK).unlink()
    store.add("q", [Event("shown", "i1")])
    store.close()
    with sqlite3.connect(tmp_path / FEEDBACK) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(NewerFormat):
        FeedbackStore(tmp_path).add("q", [Event("shown", "i1")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "seen"},
        {"type": "judged"},
        {"type": "judged", "value": "great"},
        {"type": "shown", "value": "same"},
        {"type": "shown", "rank": 0},
        {"type": "shown", "event_id": ""},
        {"type": "shown", "event_id": "x" * 201},
    ],
)
def test_no_event(wrong: dict[str, object]) -> None:
    """What can't be an event is refused where it is made."""
    with pytest.raises(UsageError):
        Event(item="i1", **wrong)  # type: ignore[arg-type]  # that is the point


def test_times() -> None:
    """Zones are taken into account; the text is RFC 3339 in UTC."""
    at = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=1)))
    assert time_text(microseconds(at)) == "2026-01-01T00:30:00Z"
    for wrong in (datetime(2026, 1, 1), datetime(1969, 1, 1, tzinfo=UTC)):
        with pytest.raises(UsageError):
            microseconds(wrong)
