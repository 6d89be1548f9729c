"""A picture that a source offers, before anybody has read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mitame.errors import MitameError


@dataclass(frozen=True)
class Candidate:
    """One picture on offer.

    Attributes:
        id: the item's id that the source proposes.
        location: where it is: absolute path, ``/path/archive.zip!member``, or URL.
        read: gives the bytes; raises SourceError or ImageTooLarge. May be called from any thread.
        size: bytes, where known without reading.
        modified_ns: modification time, nanoseconds since 1970, where known.
        category, attributes: what the source says of the item.
        named: the user gave the id (a manifest does), so it may replace an item of that id
            wherever that one's picture came from, and what the source says of its category and
            attributes is all there is to say.
        row: the line of a manifest that offers it, such as ``/path/items.csv line 3``.
    """

    id: str
    location: str
    read: Callable[[], bytes]
    size: int | None = None
    modified_ns: int | None = None
    category: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    named: bool = False
    row: str | None = None

    @property
    def place(self) -> str:
        """Where to look when it can't be used: its location, after its manifest's line if any."""
        return self.location if self.row is None else f"{self.row}: {self.location}"


@dataclass(frozen=True)
class Refused:
    """A place that can't give a picture, with the reason.

    Attributes:
        location: as in Candidate, or its place; a folder's ends in a separator.
        error: why; loses its traceback, whose frames would keep the picture's bytes in memory
            for as long as the refusal is listed.
        root: of the source that offered it, where a run has noted that.
    """

    location: str
    error: MitameError
    root: str | None = None

    def __post_init__(self) -> None:
        """Let go of the frames."""
        self.error.__traceback__ = self.error.__cause__ = self.error.__context__ = None


class Source(Protocol):
    """Where pictures come from: yields them lazily, in a stable order, holding none in memory."""

    @property
    def root(self) -> str:
        """Prefix of every location that this source can offer; says what `prune` may remove."""
        ...

    @property
    def countable(self) -> bool:
        """Whether walking it once more, only to count, is cheap and reads no pictures."""
        ...

    def __iter__(self) -> Iterator[Candidate | Refused]: ...
