"""One source on its way through a run: what it has offered, and what it has lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from mitame.errors import DamagedArchive, MitameError
from mitame.images.candidate import Candidate, Refused, Source
from mitame.ingest.places import archive_of, is_gone


class Walk:
    """Iterates a source once and remembers what it offered, to say later what vanished from it.

    A source that breaks off is refused as a whole from there on; the others go on.

    Args:
        source: where pictures come from.
        prefix: put before every id.

    Attributes:
        offered: candidates so far.
        whole: false once the source broke off, or some of it could not be looked at.
    """

    def __init__(self, source: Source, prefix: str = "") -> None:
        self.source = source
        self.prefix = prefix
        self.offered = 0
        self.whole = True
        self._seen: set[int] = set()
        self._unlisted: list[str] = []

    def __iter__(self) -> Iterator[Candidate | Refused]:
        try:
            for offer in self.source:
                self._note(offer)
                if isinstance(offer, Refused):
                    yield self.refused(offer.location, offer.error)
                elif self.prefix:
                    yield replace(offer, id=self.prefix + offer.id)
                else:
                    yield offer
        except MitameError as error:
            self.whole = False
            yield self.refused(self.source.root.removesuffix("!"), error)

    def refused(self, place: str, error: MitameError) -> Refused:
        """A place of this source that gave no picture."""
        return Refused(place, error, self.source.root)

    def _note(self, offer: Candidate | Refused) -> None:
        self._seen.add(hash(offer.location))
        if isinstance(offer, Candidate):
            self.offered += 1
        elif isinstance(offer.error, DamagedArchive):
            self.whole = False
        elif offer.location.endswith(os.sep):
            self._unlisted.append(offer.location)

    @property
    def may_prune(self) -> bool:
        """Whether what it did not offer is really not there.

        A source that offers nothing at all looks like a disk that is not mounted.
        """
        return self.whole and self.offered > 0

    def proposed_id(self, location: str) -> str | None:
        """The id that a folder gives to a file at this path; None for what is not its own."""
        root = self.source.root
        if not root.endswith(os.sep) or not location.startswith(root):
            return None
        return self.prefix + location.removeprefix(root).replace(os.sep, "/")

    def has_lost(self, location: str) -> bool:
        """Whether a picture that once came from here is gone for certain."""
        root = self.source.root
        if "://" in location or hash(location) in self._seen:
            return False
        if any(location.startswith(folder) for folder in self._unlisted):
            return False
        is_folder = root.endswith(os.sep)
        if not is_folder and not root.endswith("!"):
            return location == root and is_gone(location)
        archive = archive_of(location)
        if archive is None:
            return is_folder and is_gone(location)
        return f"{archive}!" == root or (is_folder and is_gone(archive))
