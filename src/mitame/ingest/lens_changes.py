"""What must hold before a lens is added or its name exchanged."""

from __future__ import annotations

from collections.abc import Sequence

from mitame.arguments import lens_of
from mitame.collection import Lens, Store
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import SpecMismatch, UsageError
from mitame.ingest.filling import coverage
from mitame.lenses import new_lenses


def new_or_same(store: Store, name: str, embedder: str | EmbedderSpec) -> Lens:
    """A lens of this name and embedder, added where it is missing.

    Raises:
        SpecMismatch: there is a lens of this name with another embedder.
    """
    (lens,) = new_lenses({name: embedder})
    known = store.lenses.get(name)
    if known is None:
        store.add_lens(lens)
    elif known.spec.fingerprint != lens.spec.fingerprint:
        raise SpecMismatch(f"the lens {name!r} is there already, with {known.spec.name}")
    return lens


def check_filled(store: Store, names: Sequence[str], *, force: bool) -> None:
    """Look whether every image has a vector for these lenses.

    Raises:
        UnknownLens: one of them is none.
        UsageError: an image has none, and `force` is false.
    """
    lacking = {each: count for each, count in coverage(store).items() if count}
    for each in (lens_of(store.lenses, name).name for name in names):
        if each in lacking and not force:
            raise UsageError(
                f"{lacking[each]} images have no vector for the lens {each!r} yet",
                remedy=f"go on with: mitame lens add {each} EMBEDDER, or use --force",
            )
