"""The page of metrics: what all processes of a data directory count, and what there is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from mitame.config import ServeConfig
from mitame.serving.callers.exposure import is_loopback
from mitame.serving.seeing.counting import CountingFolder
from mitame.serving.seeing.exposition import series, text
from mitame.serving.seeing.figures import Figures, process_figures, read_figures
from mitame.serving.state import State
from mitame.serving.work.jobs import Job, Jobs


def page(config: ServeConfig, folder: CountingFolder, state: State, jobs: Jobs) -> str:
    """The page in Prometheus' form.

    It needs no key, so collections are added up, unless the configuration lets it name them.

    Args:
        config: of the service.
        folder: where the processes count.
        state, jobs: of the service.

    Raises:
        StorageError: the state can't be read.
    """
    named = config.metrics_collections
    names = is_loopback(config.host) if named is None else named
    values = folder.totals()
    more = _processes(folder.living())
    more |= _jobs(jobs, names=names)
    more |= _collections(read_figures(state.folder), names=names)
    return text({**values, **{key: [value] for key, value in more.items()}})


def _processes(living: list[Path]) -> dict[str, float]:
    """Workers, and the memory and open files of all processes together, where that is told."""
    found = [process_figures(int(path.name.split("-")[1])) for path in living]
    told = [each for each in found if each is not None]
    workers = sum(path.name.startswith("worker-") for path in living)
    values: dict[str, float] = {"mitame_workers": workers}
    if told:
        values["mitame_resident_memory_bytes"] = sum(memory for memory, _ in told)
        values["mitame_open_files"] = sum(files for _, files in told)
    return values


def _jobs(jobs: Jobs, *, names: bool) -> dict[str, float]:
    values: dict[str, float] = {}
    for kind, state, count in jobs.counts():
        values[series("mitame_jobs", kind=kind, state=state)] = count
    shares: dict[str, list[float]] = defaultdict(list)
    for job in jobs.unfinished():
        if job.state == "running" and job.total:
            shares[_progress(job, names=names)].append(min(1.0, job.done / job.total))
    return values | {key: min(found) for key, found in shares.items()}


def _progress(job: Job, *, names: bool) -> str:
    about = {"collection": job.collection or ""} if names else {}
    return series("mitame_job_progress_ratio", kind=job.kind, **about)


def _collections(figures: dict[str, Figures], *, names: bool) -> dict[str, float]:
    values: dict[str, float] = {"mitame_collections": len(figures)} if figures else {}
    if not names:
        return values | _together(list(figures.values()))
    for name, found in figures.items():
        values[series("mitame_items", collection=name)] = found.items
        values[series("mitame_delta_items", collection=name)] = found.delta_items
        values[series("mitame_delta_bytes", collection=name)] = found.delta_bytes
        values[series("mitame_generation", collection=name)] = found.generation
        for lens, recall in found.recalls.items():
            key = series("mitame_index_recall_ratio", collection=name, lens=lens)
            values[key] = recall
    return values


def _together(figures: list[Figures]) -> dict[str, float]:
    """Sums over all collections; the lowest recall; no generation, which can't be added up."""
    if not figures:
        return {}
    recalls = [recall for each in figures for recall in each.recalls.values()]
    values: dict[str, float] = {
        "mitame_items": sum(each.items for each in figures),
        "mitame_delta_items": sum(each.delta_items for each in figures),
        "mitame_delta_bytes": sum(each.delta_bytes for each in figures),
    }
    return values | ({"mitame_index_recall_ratio": min(recalls)} if recalls else {})
