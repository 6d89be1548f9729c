"""What a server does now, as lines of text: from two readings of its metrics. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mitame.serving.seeing.exposition import Sample

_ROUTES = 12
_DURATION = "mitame_request_duration_seconds"
_STAGE = "mitame_stage_duration_seconds"


@dataclass(frozen=True)
class Times:
    """How long something took between two readings.

    Attributes:
        count: how often.
        total: seconds in all.
        buckets: upper bounds in seconds with how many took at most so long.
    """

    count: float
    total: float
    buckets: Sequence[tuple[float, float]]

    @property
    def mean(self) -> float | None:
        """Seconds; None where there was nothing."""
        return self.total / self.count if self.count > 0 else None

    def quantile(self, share: float) -> float | None:
        """The time that this share of all stayed below, between two bounds by their counts."""
        if self.count <= 0:
            return None
        wanted, below, least = share * self.count, 0.0, 0.0
        for bound, count in self.buckets:
            if count >= wanted:
                if math.isinf(bound):
                    return least
                part = (wanted - below) / (count - below) if count > below else 1.0
                return least + part * (bound - least)
            below, least = count, bound
        return least


class Reading:
    """A server's metrics at one time.

    Args:
        samples: as its page has them.
        at: seconds, of any clock that goes on evenly.
    """

    def __init__(self, samples: Iterable[Sample], at: float) -> None:
        self.at = at
        self._by_name: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._by_name[sample.name].append(sample)

    def samples(self, name: str) -> Sequence[Sample]:
        """All of a name."""
        return self._by_name.get(name, ())

    def sum(self, name: str, **labels: str) -> float:
        """Of all samples of a name that have these labels."""
        return sum(s.value for s in self.samples(name) if labels.items() <= s.labels.items())

    def has(self, name: str) -> bool:
        """Whether there is any of this name."""
        return bool(self.samples(name))


def overview(before: Reading, now: Reading) -> list[str]:
    """The lines.

    Args:
        before, now: two readings of one server.
    """
    seconds = max(1e-9, now.at - before.at)
    lines = [*_head(before, now, seconds), ""]
    lines += _table(before, now, seconds, _DURATION, "route")
    lines += ["", *_table(before, now, seconds, _STAGE, "stage")]
    for part in (_collections(now), _jobs(now)):
        if part:
            lines += ["", *part]
    return lines


def _head(before: Reading, now: Reading, seconds: float) -> list[str]:
    def rate(name: str, **labels: str) -> float:
        return max(0.0, now.sum(name, **labels) - before.sum(name, **labels)) / seconds

    requests = "mitame_requests_total"
    statuses = {s.labels.get("status", "") for s in now.samples(requests)}
    refused = sum(rate(requests, status=each) for each in statuses if each.startswith("4"))
    failed = sum(rate(requests, status=each) for each in statuses if each.startswith("5"))
    times = _times(before, now, _DURATION, {})
    return [
        f"requests    {rate(requests):.1f}/s, of these refused {refused:.1f}/s,"
        f" overloaded or failed {failed:.1f}/s",
        f"answers     mean {_ms(times.mean)}, half within {_ms(times.quantile(0.5))},"
        f" 99 of 100 within {_ms(times.quantile(0.99))},"
        f" {rate('mitame_response_bytes_total') / 1e6:.2f} MB/s",
        f"queues      {now.sum('mitame_requests_in_flight'):.0f} requests in flight,"
        f" {now.sum('mitame_thread_calls'):.0f} calls of threads,"
        f" {now.sum('mitame_embedding_queue'):.0f} pictures",
        f"processes   {now.sum('mitame_workers'):.0f} workers, {_memory(now)},"
        f" {rate('mitame_bad_images_total'):.1f} bad pictures/s",
    ]


def _memory(now: Reading) -> str:
    if not now.has("mitame_resident_memory_bytes"):
        return "memory unknown"
    memory = now.sum("mitame_resident_memory_bytes") / 1e6
    return f"{memory:.0f} MB, {now.sum('mitame_open_files'):.0f} open files"


def _table(before: Reading, now: Reading, seconds: float, name: str, label: str) -> list[str]:
    """Rate and times by the values of a label, the busiest first."""
    values = {s.labels.get(label, "") for s in now.samples(f"{name}_count")}
    found = [(value, _times(before, now, name, {label: value})) for value in sorted(values)]
    busy = sorted((pair for pair in found if pair[1].count > 0), key=lambda p: -p[1].count)
    lines = [f"{label:<58} {'per second':>10} {'mean':>9} {'99 of 100':>10}"]
    for value, times in busy[:_ROUTES]:
        times_text = f"{_ms(times.mean):>9} {_ms(times.quantile(0.99)):>10}"
        lines.append(f"{value[:58]:<58} {times.count / seconds:>10.1f} {times_text}")
    return lines if busy else [f"no {label} was busy"]


def _times(before: Reading, now: Reading, name: str, labels: Mapping[str, str]) -> Times:
    def grown(part: str, **more: str) -> float:
        key, wanted = f"{name}_{part}", {**labels, **more}
        return max(0.0, now.sum(key, **wanted) - before.sum(key, **wanted))

    bounds = {s.labels["le"] for s in now.samples(f"{name}_bucket") if "le" in s.labels}
    ordered = sorted(bounds, key=float)
    buckets = [(float(bound), grown("bucket", le=bound)) for bound in ordered]
    return Times(grown("count"), grown("sum"), buckets)


def _collections(now: Reading) -> list[str]:
    lines = []
    for sample in now.samples("mitame_items"):
        about = dict(sample.labels)
        delta = now.sum("mitame_delta_items", **about)
        line = f"{about.get('collection', 'all collections')[:40]:<40} {sample.value:>10.0f} items"
        line += f", {delta:.0f} in the delta"
        if now.has("mitame_generation"):
            line += f", generation {now.sum('mitame_generation', **about):.0f}"
        for recall in now.samples("mitame_index_recall_ratio"):
            if about.items() <= recall.labels.items():
                lens = recall.labels.get("lens", "at least")
                line += f", recall {lens} {recall.value:.3f}"
        lines.append(line)
    return lines


def _jobs(now: Reading) -> list[str]:
    lines = []
    for sample in now.samples("mitame_job_progress_ratio"):
        about = sample.labels.get("collection", "")
        lines.append(f"{sample.labels.get('kind', '')} {about}".rstrip() + f" {sample.value:.0%}")
    waiting = now.sum("mitame_jobs", state="queued")
    if waiting:
        lines.append(f"{waiting:.0f} jobs wait")
    return lines


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.2f} ms"
