"""``mitame embed``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import debug_option, private_option, threads_option

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
    help="Write float32[n, dim] here and the locations to FILE.txt. "
    "[default: JSON lines on standard output]",
)
@threads_option
@private_option
@debug_option
def embed_command(
    targets: tuple[str, ...],
    embedder: str,
    output: Path | None,
    threads: int | None,
    allow_private: bool,
) -> int:
    """Turn pictures into vectors (.npy or JSON lines).

    TARGETs are as for `mitame index`. Bad pictures are told on standard error and left out;
    the exit code is then 1.
    """
    from mitame.embedders.catalog import open_embedder
    from mitame.images.sources import open_source
    from mitame.ingest.bounded import bounded_map
    from mitame.ingest.pipeline import usable_cores

    model = open_embedder(embedder)
    sources = [open_source(target, allow_private=allow_private) for target in targets]
    workers = threads or usable_cores()
    results = bounded_map(
        lambda offer: _vector(model, offer),
        chain.from_iterable(sources),
        threads=workers,
        window=8 * workers,
    )
    good, refused = 0, 0
    locations, vectors = [], []
    for location, vector in _told(results):
        if vector is None:
            refused += 1
            continue
        good += 1
        if output is None:
            row = {"location": location, "vector": [round(float(x), 7) for x in vector]}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            locations.append(location)
            vectors.append(vector)
    if output is not None:
        _write(output, locations, vectors, model.spec.dimension)
    print(f"{good} pictures embedded, {refused} refused", file=sys.stderr)
    return 1 if refused else 0


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
    from mitame.cli.telling import printable, say
    from mitame.errors import MitameError

    for location, result in results:
        if isinstance(result, MitameError):
            say(f"  refused {printable(location)}: {result.line()}")
            yield location, None
        else:
            yield location, result


def _write(
    output: Path, locations: list[str], vectors: list[NDArray[np.float32]], dimension: int
) -> None:
    import numpy as np

    table = np.stack(vectors) if vectors else np.empty((0, dimension), np.float32)
    np.save(output, table, allow_pickle=False)
    names = output.with_suffix(".txt")
    names.write_text("".join(f"{each}\n" for each in locations), encoding="utf-8")
    print(f"{output}: float32{list(table.shape)}; {names}: their locations", file=sys.stderr)
