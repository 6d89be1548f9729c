"""The runner: jobs done, stopped, taken up again; merges by itself; folders followed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.collection import Item, ItemImage, Put
from mitame.collection.paths import MERGE_LOCK
from mitame.config import ServeConfig
from mitame.serving.processes.handing import VARIABLE, to_json
from mitame.serving.seeing.counting import CountingFolder
from mitame.serving.seeing.figures import read_figures
from mitame.serving.state import State
from mitame.serving.work.queue import Queue
from mitame.storage.locking import file_lock
from tests.serving.running_runner import RunnerProcess, filled, until


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Queue]:
    state = State(tmp_path)
    yield Queue(state)
    state.close()


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Queue]]:
    """A data directory with a runner that works, and its jobs."""
    data = tmp_path_factory.mktemp("data")
    state = State(data)
    with RunnerProcess(data, merge=False):
        yield data, Queue(state)
    state.close()


def ended(jobs: Queue, name: str) -> bool:
    return jobs.get(name).ended is not None


def picture(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_merges_and_says_what_came_of_it(working: tuple[Path, Queue]) -> None:
    """A queued merge is done; one of nothing says so; one of no collection is called off."""
    data, jobs = working
    filled(data, name="merged")
    first = jobs.add("merge", "merged")
    missing = jobs.add("merge", "nothing")
    until(lambda: ended(jobs, first.id) and ended(jobs, missing.id), "both ended")
    again = jobs.add("merge", "merged")
    until(lambda: ended(jobs, again.id), "the second merge ended")
    found = jobs.get(first.id)
    assert (found.state, found.result) == ("done", {"generation": 1})
    assert found.total
    assert found.done == found.total
    assert jobs.get(again.id).result == {"generation": None}
    called_off = jobs.get(missing.id)
    assert called_off.state == "cancelled"
    assert called_off.error is not None
    assert called_off.error["code"] == "collection_not_found"


def test_merges_by_itself_when_it_pays(tmp_path: Path, jobs: Queue) -> None:
    """A thousand changes make a merge due, which nobody asks for; fewer don't; nor any where
    the configuration forbids it."""
    random = np.random.default_rng(1)
    for name, count in (("large", 1_000), ("small", 999)):
        with mitame.open(tmp_path, name, lenses={"vectors": "vectors:4"}) as items:
            vectors = random.normal(size=(count, 4)).astype(np.float32)
            images = [ItemImage({"vectors": vector}) for vector in vectors]
            items.store.append(
                [Put(Item(str(n), None, {}, (image,))) for n, image in enumerate(images)]
            )
    figures = tmp_path / ".serving" / "figures.json"
    with RunnerProcess(tmp_path, merge=False):
        until(figures.exists, "a look at the collections")
    assert jobs.newest() == []
    with RunnerProcess(tmp_path, merge=True):
        until(lambda: any(job.ended for job in jobs.newest()), "merged")
        until(lambda: read_figures(figures.parent)["large"].generation == 1, "seen")
    (job,) = jobs.newest()
    assert (job.collection, job.result) == ("large", {"generation": 1})
    assert job.message is not None
    assert job.message.startswith("1000 changes")


def test_index_and_tune(working: tuple[Path, Queue], tmp_path: Path) -> None:
    """A folder of the server is indexed, its bad files listed; engines are measured."""
    data, jobs = working
    for number in range(3):
        picture(tmp_path / f"{number}.png", number)
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    mitame.open(data, "pictures", lenses={"color": "color"}).close()
    indexing = jobs.add("index", "pictures", {"targets": [str(tmp_path)]})
    until(lambda: ended(jobs, indexing.id), "indexed")
    tuning = jobs.add("tune", "pictures", {"engines": ["exact"], "budget": 1, "apply": True})
    until(lambda: ended(jobs, tuning.id), "tuned")
    found = jobs.get(indexing.id)
    assert found.state == "done", found.error
    assert found.result is not None
    assert (found.result["added"], found.result["refused"], found.done) == (3, 1, 4)
    assert [each["code"] for each in found.result["bad"]] == ["not_an_image"]
    tuned = jobs.get(tuning.id)
    assert tuned.state == "done", tuned.error
    assert tuned.result is not None
    assert tuned.result["lenses"]["color"]["choice"]["engine"] == "exact"
    assert tuned.result["generation"] == 1


def test_a_job_that_can_not_be_done_fails_with_a_remedy(working: tuple[Path, Queue]) -> None:
    """What is wrong with it is told as an error's code, detail and remedy."""
    data, jobs = working
    filled(data, 2, "odd")
    indexing = jobs.add("index", "odd", {"targets": [str(data / "nothing")]})
    until(lambda: ended(jobs, indexing.id), "failed")
    found = jobs.get(indexing.id)
    assert found.state == "failed"
    assert found.error is not None
    assert found.error["code"] == "unreadable_file"
    assert found.error["remedy"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_what_a_runner_leaves_is_taken_up_by_the_next(
    tmp_path: Path, jobs: Queue, how: signal.Signals
) -> None:
    """A merge that waits for another one, when its runner ends: put back by one that is stopped,
    found by the next one after a kill, and done in either case."""
    filled(tmp_path)
    with merging(tmp_path / "shop"):
        with RunnerProcess(tmp_path) as runner:
            job = jobs.add("merge", "shop")
            until(lambda: jobs.get(job.id).message is not None, "it waits")
            runner.stop(how)
        assert jobs.get(job.id).state == ("queued" if how == signal.SIGTERM else "running")
    with RunnerProcess(tmp_path):
        until(lambda: ended(jobs, job.id), "done after all")
    assert jobs.get(job.id).result == {"generation": 1}


def test_a_running_job_is_cancelled(working: tuple[Path, Queue]) -> None:
    """It stops at its next step, while the runner goes on."""
    data, jobs = working
    filled(data, name="cancelled")
    with merging(data / "cancelled"):
        job = jobs.add("merge", "cancelled")
        until(lambda: jobs.get(job.id).message is not None, "it waits")
        assert jobs.cancel(job.id).state == "running"
        until(lambda: ended(jobs, job.id), "cancelled")
    assert (jobs.get(job.id).state, jobs.get(job.id).error) == ("cancelled", None)
    again = jobs.add("merge", "cancelled")
    until(lambda: ended(jobs, again.id), "the next one")
    assert jobs.get(again.id).result == {"generation": 1}


@contextmanager
def merging(collection: Path) -> Iterator[None]:
    """What another process does that merges: hold the lock."""
    with file_lock(collection / MERGE_LOCK, shared=False, wait_seconds=10):
        yield


def test_follows_folders(tmp_path: Path) -> None:
    """Files that come are added, those that go are removed; a folder that is gone is told, and
    keeps nobody waiting; equal paths in two folders are two items; a bad file is counted once."""
    data, one, two = tmp_path / "data", tmp_path / "one", tmp_path / "two"
    picture(one / "a.png", 1)
    picture(one / "b.png", 2)
    picture(two / "a.png", 3)
    (one / "bad.jpg").write_bytes(b"not a picture")
    counts, bad = CountingFolder(data / ".serving"), 'mitame_bad_images_total{code="not_an_image"}'
    mitame.open(data, "default", lenses={"color": "color"}).close()
    state = State(data)
    jobs = Queue(state)
    folders = (str(tmp_path / "gone"), str(one), str(two))
    with (
        mitame.open(data, "default", create=False) as items,
        RunnerProcess(data, folders=folders, follow_seconds=0.2) as runner,
    ):
        until(lambda: len(items) == 3, "indexed")
        assert items.get("two/a.png") is not None
        picture(one / "c.png", 4)
        until(lambda: len(items) == 4, "the new one")
        (one / "b.png").unlink()
        until(lambda: len(items) == 3, "the one that went")
        picture(tmp_path / "gone" / "late.png", 5)
        until(lambda: len(items) == 4, "the folder that came late")
        shutil.rmtree(two)
        until(
            lambda: any(
                job.error for job in jobs.newest() if job.arguments["targets"] == [str(two)]
            ),
            "the folder that went was told",
        )
        assert len(items) == 4, "nothing is removed for a folder that is gone"
        assert counts.totals()[bad] == [1]
        assert runner.stop(signal.SIGINT) == 0
    found = {job.arguments["targets"][0]: job for job in jobs.newest()}
    assert {job.kind for job in found.values()} == {"follow"}
    assert all(job.message == folder for folder, job in found.items())
    assert found[str(one)].done == found[str(one)].total
    assert found[str(tmp_path / "gone")].error is None
    assert any("can't be followed" in line for line in runner.lines)
    state.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no parent's end")
def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """kill -9 of the parent leaves no runner behind, even while another one has the lock."""
    program = (
        "import os, subprocess, sys\n"
        "words = [sys.executable, '-m', 'mitame.serving.work.runner', str(os.getpid())]\n"
        "print(subprocess.Popen(words, stderr=subprocess.DEVNULL).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, VARIABLE: to_json(ServeConfig(tmp_path))}
    with RunnerProcess(tmp_path):
        parent = subprocess.run(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, check=False
        )
        orphan = int(parent.stdout)
        until(lambda: not _lives(orphan), "the orphan ended")


# A signal comes at the worst instant: while the wait on the event holds the event's lock.
INTERRUPTED = """
import os, signal, threading
from pathlib import Path
from mitame.config import ServeConfig
from mitame.serving.work import runner

class Waiting:
    def __init__(self, config, parent):
        self.stopping, self.told_to_stop = threading.Event(), False

    def run(self):
        with self.stopping._cond:
            os.kill(os.getpid(), signal.SIGTERM)
        print(self.told_to_stop or self.stopping.is_set())

runner.Runner = Waiting
runner.main(ServeConfig(Path(".")), os.getppid())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_in_the_midst_of_a_wait_stops_it(tmp_path: Path) -> None:
    """The handler takes no lock that what it interrupts may hold, or the runner hangs for ever."""
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "True\n"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Where nobody takes orphans in, one that has ended is left as a zombie.
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
