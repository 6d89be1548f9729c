"""``mitame embed``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import (
    json_option,
    print_json,
    private_option,
    standard_input,
    threads_option,
)
from mitame.cli.output_files import check_output, write_whole
from mitame.cli.telling import printable, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mitame.embedders.protocol import Embedder
    from mitame.images.candidate import Candidate, Refused


@click.command("embed")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--embedder", default="efficientnet-lite0", show_default=True, metavar="NAME")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.npy",
    help="Write float32[n, dim] here and the locations to FILE.locations.txt. "
    "[default: JSON lines on standard output]",
)
@threads_option
@private_option
@json_option
def embed_command(
    targets: tuple[str, ...],
    embedder: str,
    output: Path | None,
    threads: int | None,
    allow_private: bool,
    as_json: bool,
) -> int:
    """Turn pictures into vectors (.npy or JSON lines).

    TARGETs are as for `mitame index`, or - for a picture on standard input. Bad pictures are told
    on standard error and left out; the exit code is then 1.
    """
    from mitame.embedders.catalog import open_embedder

    if output is not None:
        _check_output(output, targets)
    model = open_embedder(embedder)
    good, refused = 0, 0
    locations, vectors = [], []
    for location, vector in _told(_results(model, _offers(targets, allow_private), threads)):
        if vector is None:
            refused += 1
            continue
        good += 1
        if output is None:
            print_json({"location": location, "vector": [round(float(x), 7) for x in vector]})
        else:
            locations.append(location)
            vectors.append(vector)
    written: dict[str, Any] = {}
    if output is not None:
        written = _write(output, locations, vectors, model.spec.dimension)
    say(f"{good} pictures embedded, {refused} refused")
    if as_json and output is not None:
        print_json({"embedded": good, "refused": refused, **written})
    return 1 if refused else 0


def _check_output(output: Path, targets: Sequence[str]) -> None:
    """Before the work: a .npy that can be written, and that is none of the inputs."""
    from mitame.errors import UsageError

    if output.suffix != ".npy":
        raise UsageError(f"{output} does not end in .npy", remedy="call it FILE.npy")
    for path in (check_output(output), check_output(_places(output))):
        for target in targets:
            if path.exists() and Path(target).exists() and path.samefile(target):
                raise UsageError(
                    f"{path} would be written over, and is to be read",
                    remedy="choose another name after -o",
                )


def _places(output: Path) -> Path:
    return output.with_suffix(".locations.txt")


def _offers(targets: Sequence[str], allow_private: bool) -> Iterator[Candidate | Refused]:
    from mitame.images.candidate import Candidate
    from mitame.images.limits import DEFAULT_LIMITS
    from mitame.images.sources import open_source

    piped = standard_input() if "-" in targets else None
    sources: list[Iterable[Candidate | Refused]] = []
    for target in targets:
        if target == "-" and piped is not None:
            data = piped.read(DEFAULT_LIMITS.max_bytes + 1)
            sources.append([Candidate("-", "-", partial(bytes, data))])
        else:
            sources.append(open_source(target, allow_private=allow_private))
    return chain.from_iterable(sources)


def _results(
    model: Embedder, offers: Iterator[Candidate | Refused], threads: int | None
) -> Iterator[tuple[str, Any]]:
    from mitame.ingest.bounded import bounded_map
    from mitame.ingest.pipeline import usable_cores

    workers = threads or usable_cores()
    work = partial(_vector, model)
    return bounded_map(work, offers, threads=workers, window=8 * workers)


def _vector(model: Embedder, offer: Candidate | Refused) -> tuple[str, Any]:
    from mitame.errors import MitameError
    from mitame.images.candidate import Refused
    from mitame.images.decode import decode

    if isinstance(offer, Refused):
        return offer.location, offer.error
    try:
        decoded = decode(offer.read(), min_side=model.decode_side)
        return offer.location, model.embed([model.prepare(decoded.pixels)])[0]
    except MitameError as error:
        return offer.location, error


def _told(
    results: Iterator[tuple[str, Any]],
) -> Iterator[tuple[str, NDArray[np.float32] | None]]:
    from mitame.errors import MitameError

    for location, result in results:
        if isinstance(result, MitameError):
            say(f"  refused {location}: {result.line()}")
            yield location, None
        else:
            yield location, result


def _write(
    output: Path, locations: list[str], vectors: list[NDArray[np.float32]], dimension: int
) -> dict[str, str]:
    import numpy as np

    table = np.stack(vectors) if vectors else np.empty((0, dimension), np.float32)
    places = _places(output)
    write_whole(output, lambda file: np.save(file, table, allow_pickle=False))
    # One line each, whatever a name has in it.
    lines = [f"{printable(each)}\n".encode() for each in locations]
    write_whole(places, lambda file: file.writelines(lines))
    say(f"{output}: float32{list(table.shape)}; {places}: their locations")
    return {"vectors": str(output), "locations": str(places)}
