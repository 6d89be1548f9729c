"""One picture file as a source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.files import absolute, file_candidate, regular


class PictureSource:
    """A single picture; its id is the file's name.

    Raises:
        UnreadableFile: missing, or not a regular file.
    """

    def __init__(self, path: str | Path, *, limits: ImageLimits = DEFAULT_LIMITS) -> None:
        self._path = absolute(path)
        self._limits = limits
        regular(self._path)

    @property
    def root(self) -> str:
        """The picture's own path."""
        return self._path

    @property
    def countable(self) -> bool:
        """True."""
        return True

    def __iter__(self) -> Iterator[Candidate | Refused]:
        yield file_candidate(self._path, Path(self._path).name, self._limits)
