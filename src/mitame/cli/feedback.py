"""``mitame feedback``: what users did with answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from mitame.cli.options import (
    collection_options,
    debug_option,
    json_option,
    open_existing,
    print_json,
)
from mitame.cli.output_files import check_output, write_whole
from mitame.cli.telling import json_line, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mitame.feedback import FeedbackStore, StoredEvent

_PAGE = 1_000


@click.group("feedback")
@debug_option
def feedback_command() -> None:
    """Export what users did with answers: shown, clicked, bought, judged."""


@feedback_command.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-vectors", is_flag=True, help="With the questions' vectors, in base64.")
@click.option(
    "--after",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="SEQUENCE",
    help="Only events past this sequence number: that of the last one that you have.",
)
@collection_options
@json_option
def export_command(
    file: Path, with_vectors: bool, after: int, data: Path, collection: str, as_json: bool
) -> None:
    """Write events as JSON lines, in the order in which they were stored; - for standard output.

    Each line says what was done with which neighbour, and what the question was.
    """
    from mitame.feedback import FeedbackStore

    with open_existing(data, collection) as items:
        store = FeedbackStore(items.path)
        try:
            lines = _Lines(store, after, vectors=with_vectors)
            if str(file) == "-":
                for line in lines:
                    click.echo(line)
                return
            check_output(file)
            write_whole(file, lines.write)
        finally:
            store.close()
    if as_json:
        print_json({"collection": collection, "events": lines.count, "last": lines.last})
    else:
        tell(f"wrote {lines.count} events to {file}")


class _Lines:
    """The lines of an export, a page of events in memory at a time."""

    def __init__(self, store: FeedbackStore, after: int, *, vectors: bool) -> None:
        self._store = store
        self._vectors = vectors
        self.last = after
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        while page := self._page():
            for event in page:
                self.last, self.count = event.sequence, self.count + 1
                yield json_line(event.to_json(vectors=self._vectors))

    def write(self, file: BinaryIO) -> None:
        """All of them."""
        for line in self:
            file.write(f"{line}\n".encode())

    def _page(self) -> list[StoredEvent]:
        return self._store.events(self.last, _PAGE, vectors=self._vectors)
