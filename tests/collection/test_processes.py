"""Several processes on one collection: real ones, and one that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import mitame
from mitame.collection import Remove, Store, View, create, open_store
from mitame.errors import CollectionBusy, CollectionExists
from mitame.filters import parse
from tests.collection.made import LOOK, image, noise, put

SOURCE = Path(mitame.__file__).parent.parent
ROOT = Path(__file__).parent.parent.parent
ROUNDS = int(os.environ.get("MITAME_CRASH_ROUNDS", "20"))


def _python(code: str, *arguments: object) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(SOURCE), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _output(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return text


WRITE = """
import sys
from pathlib import Path
from mitame.collection import Remove, open_store
from tests.collection.made import image, put
with open_store(Path(sys.argv[1])) as store:
    print(store.append([put("b", image(2), category="x"), Remove("a")]))
"""


def test_another_process_s_write_shows_at_the_next_pin(store: Store) -> None:
    """The view pinned before it does not change; the next one has it, with its vectors."""
    store.append([put("a", image(1), category="x")])
    where = parse("category=x")
    with store.pin() as before:
        assert before.count(where) == 1
        assert _output(_python(WRITE, store.path)) == "3\n"
        assert [item.id for item in before.items(where)] == ["a"]
        assert before.owners("look").tolist() != [-1]
        with store.pin() as after:
            assert after.position == 3
            assert [item.id for item in after.items(where)] == ["b"]
            assert after.vectors("b", "look")[0].tolist() == noise(2).tolist()
            assert after.index("look").search(noise(2)[None], 1).ids.tolist() == [[1]]


APPEND = """
import sys
from pathlib import Path
from mitame.collection import open_store
from tests.collection.made import image, put
with open_store(Path(sys.argv[1])) as store:
    for n in range(25):
        store.append([put(f"{sys.argv[2]}-{n}", image(n))])
"""


def test_processes_that_write_at_once_lose_nothing(store: Store) -> None:
    """Three writers take turns: every item is there with its own vector."""
    writers = [_python(APPEND, store.path, name) for name in "xyz"]
    for writer in writers:
        _output(writer)
    with store.pin() as view:
        assert (view.position, view.count()) == (75, 75)
        for name in "xyz":
            assert view.vectors(f"{name}-7", "look")[0].tolist() == noise(7).tolist()
    assert store.check() == []


CREATE = """
import sys, time
from pathlib import Path
from mitame.collection import create
from mitame.errors import CollectionExists
from tests.collection.made import LOOK
while time.time() < float(sys.argv[2]):
    pass
try:
    create(Path(sys.argv[1]), [LOOK]).close()
    print("made")
except CollectionExists:
    print("exists")
"""


def test_of_processes_that_create_at_once_one_wins(tmp_path: Path) -> None:
    """The others are told that it exists, and it is whole."""
    makers = [_python(CREATE, tmp_path / "shop", time.time() + 1) for _ in range(3)]
    assert sorted(map(_output, makers)) == ["exists\n", "exists\n", "made\n"]
    with open_store(tmp_path / "shop") as store:
        assert store.check() == []
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_lock_held_too_long_is_reported(store: Store) -> None:
    """A write waits for another's transaction, then says that the collection is busy."""
    with open_store(store.path, busy_seconds=0.05) as other:
        connection, _ = store._writer._open()
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(CollectionBusy):
            other.append([put("a")])
        connection.execute("ROLLBACK")
        assert other.append([put("a")]) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_fork(store: Store) -> None:
    """A child reads and writes with files of its own; the parent goes on and sees it."""
    store.append([put("a")])
    pin = store.pin()
    with pin as pinned:
        assert pinned.count() == 1
        child = os.fork()
        if child == 0:
            os._exit(_child(store, pin))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert pinned.count() == 1
    store.append([put("c")])
    with store.pin() as view:
        assert [item.id for item in view.items()] == ["a", "b", "c"]
    assert store.check() == []


def _child(store: Store, pin: AbstractContextManager[View]) -> int:
    try:
        pin.__exit__(None, None, None)
        if store._opened.readers._idle:  # the parent's connection must not be used here again
            return 7
        store.append([put("b")])
        with store.pin() as view:
            seen = view.count()
        store.close()
    except BaseException:
        return 9
    return 0 if seen == 2 else 8


CRASH = """
import sys
from pathlib import Path
from mitame.collection import Remove, open_store
from tests.collection.made import image, put
start, batch = int(sys.argv[2]), int(sys.argv[3])
with open_store(Path(sys.argv[1])) as store:
    print("begin", flush=True)
    for n in range(start, start + 100_000):
        ids = [f"{n}-{i}" for i in range(batch)]
        again = [Remove(f"{n - 5}-0")] if n - 5 >= start else []
        store.append([*(put(i, image(n)) for i in ids), *again])
        print(n, flush=True)
"""


def _kill_while_writing(path: Path, start: int, batch: int, seconds: float) -> int:
    """Starts a writer, kills it after so long, and gives its last acknowledged batch."""
    writer = _python(CRASH, path, start, batch)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "begin\n"
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    lines = writer.stdout.read().split("\n")
    writer.wait(10)
    writer.stdout.close()
    whole = [int(line) for line in lines[:-1]]  # the last one may be cut off
    assert whole == list(range(start, start + len(whole)))
    return start + len(whole) - 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill -9")
def test_kill_9_at_random_instants(tmp_path: Path) -> None:
    """Nothing acknowledged is missing, no batch is there by half, and the files agree."""
    rng = random.Random(0)
    path, batch, acknowledged = tmp_path / "shop", 4, 0
    create(path, [LOOK]).close()
    for attempt in range(ROUNDS):
        start = attempt * 100_000
        last = _kill_while_writing(path, start, batch, rng.uniform(0, 0.08))
        acknowledged += last - start + 1
        with open_store(path) as store:
            assert store.check() == []
            with store.pin() as view:
                items = [item.id for item in view.items()]
                _check_batches(items, start, last, batch)
                if last >= start:
                    assert view.vectors(f"{last}-1", "look")[0].tolist() == noise(last).tolist()
                assert len(view.owners("look")) >= len(items)
    assert acknowledged > ROUNDS


def _check_batches(items: list[str], start: int, last: int, batch: int) -> None:
    """All up to the last acknowledged, maybe the one after it, each whole but for its removals."""
    mine = {item for item in items if start <= int(item.split("-")[0]) < start + 100_000}
    assert len(items) == len(set(items))
    reached = last + 1 if f"{last + 1}-1" in mine else last
    expected = {f"{n}-{i}" for n in range(start, reached + 1) for i in range(batch)}
    expected -= {f"{n}-0" for n in range(start, reached - 4)}
    assert mine == expected


def test_remove_of_a_process_that_went_is_seen(store: Store) -> None:
    """What a process removed stays removed after all have closed and opened again."""
    store.append([put("a"), put("b")])
    with open_store(store.path) as other:
        other.append([Remove("a")])
    store.close()
    with open_store(store.path) as again, again.pin() as view:
        assert [item.id for item in view.items()] == ["b"]


def test_create_after_all_is_closed_is_refused(store: Store) -> None:
    """A collection that nobody has open is one all the same."""
    store.close()
    with pytest.raises(CollectionExists):
        create(store.path, [LOOK])
