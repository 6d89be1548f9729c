"""What is measured, and Prometheus' text form of it, written and read. Pure.

The form: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of a histogram's buckets: from a product page to a picture from far away."""


@dataclass(frozen=True)
class Family:
    """All series of one name.

    Attributes:
        name: as Prometheus' conventions have it.
        kind: counters only grow, gauges go both ways, histograms count by size.
        about: what it says, in one line.
        labels: that its series have; those of collections are left out where they are added up.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    labels: tuple[str, ...] = ()

    @property
    def slots(self) -> int:
        """Numbers of one series: a histogram has its buckets, what is above, and the sum."""
        return len(SECONDS) + 2 if self.kind == "histogram" else 1


_ALL = (
    Family(
        "mitame_requests_total",
        "counter",
        "Requests that were answered.",
        ("route", "method", "status"),
    ),
    Family(
        "mitame_request_duration_seconds",
        "histogram",
        "From a request's headers to its end.",
        ("route",),
    ),
    Family(
        "mitame_response_bytes_total", "counter", "Bytes of bodies that were answered.", ("route",)
    ),
    Family(
        "mitame_refused_total",
        "counter",
        "Requests that their connection refused, by error code.",
        ("code",),
    ),
    Family("mitame_requests_in_flight", "gauge", "Requests that are being answered."),
    Family(
        "mitame_stage_duration_seconds", "histogram", "Time of a step within requests.", ("stage",)
    ),
    Family(
        "mitame_bad_images_total",
        "counter",
        "Pictures that could not be used, by error code.",
        ("code",),
    ),
    Family(
        "mitame_thumbnails_made_total", "counter", "Pictures whose thumbnails were made unasked."
    ),
    Family(
        "mitame_thumbnails_left",
        "gauge",
        "Items yet to be looked at for missing thumbnails.",
    ),
    Family("mitame_thread_calls", "gauge", "Calls that wait for a thread or run on one."),
    Family("mitame_embedding_queue", "gauge", "Pictures that wait for the embedder."),
    Family("mitame_access_log_dropped_total", "counter", "Lines that could not be written."),
    Family("mitame_workers", "gauge", "Processes that answer."),
    Family("mitame_resident_memory_bytes", "gauge", "Memory of all processes together."),
    Family("mitame_open_files", "gauge", "Open files of all processes together."),
    Family("mitame_jobs", "gauge", "Long work, by kind and state.", ("kind", "state")),
    Family(
        "mitame_job_progress_ratio",
        "gauge",
        "Share of running long work that is done.",
        ("kind", "collection"),
    ),
    Family("mitame_collections", "gauge", "Collections that there are."),
    Family("mitame_items", "gauge", "Items.", ("collection",)),
    Family("mitame_delta_items", "gauge", "Changes that no snapshot has yet.", ("collection",)),
    Family(
        "mitame_delta_bytes", "gauge", "Bytes of vectors that no snapshot has yet.", ("collection",)
    ),
    Family("mitame_generation", "gauge", "The snapshot that is served.", ("collection",)),
    Family(
        "mitame_index_recall_ratio",
        "gauge",
        "Recall of an index as measured at its merge.",
        ("collection", "lens"),
    ),
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in _ALL}


def series(name: str, **labels: str) -> str:
    """The name of one series, such as ``mitame_jobs{kind="merge"}``."""
    if not labels:
        return name
    inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return f"{name}{{{inside}}}"


def family_of(key: str) -> Family | None:
    """The family of a series; None for one that is not known here."""
    return FAMILIES.get(key.partition("{")[0])


def text(values: Mapping[str, Iterable[float]]) -> str:
    """Series with their numbers in Prometheus' form, families in their order."""
    grouped: dict[str, list[str]] = {}
    for key in sorted(values):
        grouped.setdefault(key.partition("{")[0], []).append(key)
    lines: list[str] = []
    for family in _ALL:
        keys = grouped.get(family.name, ())
        if keys:
            lines.append(f"# HELP {family.name} {family.about}")
            lines.append(f"# TYPE {family.name} {family.kind}")
        for key in keys:
            lines.extend(_lines(family, key, list(values[key])))
    return "\n".join(lines) + "\n"


def _lines(family: Family, key: str, numbers: list[float]) -> Iterator[str]:
    if family.kind != "histogram":
        yield f"{key} {_number(numbers[0])}"
        return
    labels = key[len(family.name) + 1 : -1]
    before = f"{labels}," if labels else ""
    after = f"{{{labels}}}" if labels else ""
    counts = list(accumulate(numbers[:-1]))
    for bound, count in zip((*SECONDS, "+Inf"), counts, strict=True):
        yield f'{family.name}_bucket{{{before}le="{bound}"}} {_number(count)}'
    yield f"{family.name}_sum{after} {_number(numbers[-1])}"
    yield f"{family.name}_count{after} {_number(counts[-1])}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@dataclass(frozen=True)
class Sample:
    """A line of the text form.

    Attributes:
        name: with ``_bucket``, ``_sum`` or ``_count`` for those of a histogram.
        labels: by name.
        value: its number.
    """

    name: str
    labels: Mapping[str, str]
    value: float


_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')
_ESCAPE = re.compile(r"\\(.)")


def parsed(page: str) -> list[Sample]:
    """The samples of a page; lines that are none are passed over."""
    found = []
    for line in page.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        labels = {name: _plain(value) for name, value in _LABEL.findall(match[2] or "")}
        try:
            found.append(Sample(match[1], labels, float(match[3])))
        except ValueError:
            continue
    return found


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
