"""Counters of processes, added up, and Prometheus' text form of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.serving.seeing.counters import CAPACITY, CountersFile, read_counters, write_counters
from mitame.serving.seeing.exposition import FAMILIES, SECONDS, parsed, series, text
from mitame.serving.seeing.metrics import Metrics

BAD = series("mitame_bad_images_total", code="not_an_image")


def test_what_processes_count_is_added_up(tmp_path: Path) -> None:
    """Two that live, and one that has ended: its counts stay, its gauges go with it."""
    one, two, three = (Metrics(tmp_path) for _ in range(3))
    for metrics in (one, two, three):
        metrics.bad_image("not_an_image")
        metrics.counter("mitame_thread_calls").set(5)
    three.close()
    for _ in range(2):  # asking must not count anything twice
        totals = one.folder.totals()
        assert totals[BAD] == [3]
        assert totals["mitame_thread_calls"] == [10]
    assert len(two.folder.living()) == 2
    one.close()
    two.close()


def test_all_begin_anew_when_the_first_process_starts(tmp_path: Path) -> None:
    """What a server counted that has ended is not the next one's."""
    before = Metrics(tmp_path)
    before.bad_image("not_an_image")
    before.close()
    now = Metrics(tmp_path)
    assert BAD not in now.folder.totals()
    now.close()


def test_counts_of_a_killed_process_stay(tmp_path: Path) -> None:
    """kill -9 loses none of what was counted, as long as another process lives."""
    alive = Metrics(tmp_path)
    program = (
        "import os, sys; from pathlib import Path\n"
        "from mitame.serving.seeing.metrics import Metrics\n"
        "m = Metrics(Path(sys.argv[1]))\n"
        "for _ in range(1000): m.bad_image('not_an_image')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert alive.folder.totals()[BAD] == [1_000]
    assert len(alive.folder.living()) == 1
    alive.close()


def test_threads_lose_no_count(tmp_path: Path) -> None:
    """Eight threads at once: every increment is there."""
    metrics = Metrics(tmp_path)

    def count() -> None:
        for _ in range(2_000):
            metrics.bad_image("not_an_image")
            with metrics.stage("embed"):
                pass

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals = metrics.folder.totals()
    assert totals[BAD] == [16_000]
    assert sum(totals[series("mitame_stage_duration_seconds", stage="embed")][:-1]) == 16_000
    metrics.close()


def test_a_full_file_and_no_file_stop_nobody(tmp_path: Path) -> None:
    """Series beyond the file's room are counted by nobody; those before them go on."""
    file = CountersFile(tmp_path / "numbers")
    first, _ = file.place("first", 1), [file.place(f"series-{n}", 1) for n in range(20_000)]
    values, index = file.place("late", 1)
    values[index] += 1
    first[0][first[1]] += 1
    found = read_counters((tmp_path / "numbers").read_bytes())
    assert found["first"] == [1]
    assert "late" not in found
    assert (tmp_path / "numbers").stat().st_size == CAPACITY
    lost = Metrics(tmp_path / "nothing" / "here")
    lost.bad_image("x")
    lost.requests("/", "GET", 200).observe(0.1, 5)
    lost.close()


def test_requests_when_the_file_is_full(tmp_path: Path) -> None:
    """They are counted by nobody, and other series are not touched."""
    metrics = Metrics(tmp_path)
    for number in range(20_000):
        metrics.counter("mitame_bad_images_total", code=str(number))
    before = metrics.folder.totals()
    metrics.requests("/new", "GET", 200).observe(0.1, 7)
    assert metrics.folder.totals() == before
    metrics.close()


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """A damaged file is no error: numbers or none come of it."""
    read_counters(data)
    read_counters(b"mitame1\n" + data)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,20}", fullmatch=True),
        st.lists(st.floats(allow_nan=False), max_size=20),
    )
)
def test_written_is_read(values: dict[str, list[float]]) -> None:
    """What is kept of processes that ended comes back as it was."""
    assert read_counters(write_counters(values)) == values


@given(st.text(max_size=30), st.integers(0, 10**15))
def test_the_text_form_is_read_as_it_was_written(label: str, value: int) -> None:
    """Labels of any text, with quotes, backslashes and line ends, come back."""
    if any(c in label for c in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        return  # line ends that labels of ours never have
    page = text({series("mitame_jobs", kind=label): [float(value)]})
    (sample,) = parsed(page)
    assert (sample.name, sample.labels, sample.value) == ("mitame_jobs", {"kind": label}, value)


def test_a_histogram_in_text() -> None:
    """Buckets are cumulative and end with +Inf; the count is all, the sum is told."""
    numbers = [0.0] * (len(SECONDS) + 2)
    numbers[0], numbers[3], numbers[-2], numbers[-1] = 2, 1, 1, 30.5
    name = "mitame_request_duration_seconds"
    samples = parsed(text({series(name, route="/x"): numbers}))
    buckets = [s for s in samples if s.name == f"{name}_bucket"]
    assert [s.value for s in buckets[:4]] == [2, 2, 2, 3]
    assert (buckets[-1].labels["le"], buckets[-1].value) == ("+Inf", 4)
    assert {s.name: s.value for s in samples[-2:]} == {f"{name}_sum": 30.5, f"{name}_count": 4}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_names_follow_the_conventions(family: object) -> None:
    """Counters end in _total, times in _seconds, sizes in _bytes; each says what it is."""
    from mitame.serving.seeing.exposition import Family

    assert isinstance(family, Family)
    assert family.name.startswith("mitame_")
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert family.kind != "histogram" or family.name.endswith("_seconds")
    assert family.about.endswith(".")
