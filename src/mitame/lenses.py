"""Lenses and the embedders behind them: made from names, opened once, checked by fingerprint."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from mitame.collection import Lens
from mitame.embedders.catalog import ONNX_PREFIX, open_embedder
from mitame.embedders.protocol import Embedder, EmbedderSpec
from mitame.errors import SpecMismatch, UsageError

Lenses: TypeAlias = Mapping[str, str | EmbedderSpec]

DEFAULT_LENSES: Lenses = {"look": "efficientnet-lite0", "color": "color"}
OWN_VECTORS = "vectors"


class Embedders:
    """The embedders of lenses, each opened when first needed and kept. Thread-safe.

    Kept by spec, not by name: names can be switched from one lens to another.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._open: dict[str, Embedder] = {}

    def of(self, lens: Lens) -> Embedder:
        """The embedder of a lens.

        Raises:
            UsageError: the lens holds the user's own vectors.
            SpecMismatch: the installed embedder is not the one that made the lens' vectors.
        """
        with self._lock:
            fingerprint = lens.spec.fingerprint
            if fingerprint not in self._open:
                self._open[fingerprint] = _open_embedder(lens, self._threads)
            return self._open[fingerprint]

    def all(self, lenses: Mapping[str, Lens]) -> dict[str, Embedder]:
        """One embedder per lens name."""
        return {name: self.of(lens) for name, lens in lenses.items()}


def new_lenses(lenses: Lenses) -> list[Lens]:
    """Lenses for a new collection from catalogue names, ``vectors:DIM[:DISTANCE]`` or specs.

    Raises:
        UsageError: not a mapping from names to these.
        UnknownEmbedder: no embedder has the name.
    """
    if not isinstance(lenses, Mapping):
        raise UsageError(
            f"lenses are a {type(lenses).__name__}",
            remedy="give a mapping such as {'look': 'efficientnet-lite0'}",
        )
    return [Lens(_lens_name(name), _spec(embedder)) for name, embedder in lenses.items()]


def check_same(there: Mapping[str, Lens], asked: Lenses) -> None:
    """Whoever names lenses of a collection that exists must mean those that it has.

    It may have others besides, which were added later.

    Raises:
        SpecMismatch: there is no lens of that name, or it has another embedder.
    """
    for name, embedder in asked.items():
        lens = there.get(name)
        if lens is None or not _is_of(lens, embedder):
            has = ", ".join(f"{n}={e.spec.opened_by or e.spec.name}" for n, e in there.items())
            raise SpecMismatch(
                f"the collection has the lenses {has}, not {name}={embedder}"[:400],
                remedy="name no lens, choose another collection, or add one with: mitame lens add",
            )


def check_embedders(lenses: Lenses) -> None:
    """Lenses of a collection that pictures are to go into need an embedder each.

    Raises:
        UsageError: one holds vectors of the user's own, or is nothing known.
    """
    for lens in new_lenses(lenses):
        if lens.spec.name == OWN_VECTORS:
            raise _own_vectors(lens)


def _is_of(lens: Lens, embedder: str | EmbedderSpec) -> bool:
    """Whether the lens was made with it; a name that is the same need not be opened."""
    if isinstance(embedder, str) and embedder == (lens.spec.opened_by or lens.spec.name):
        return True
    return _spec(embedder).fingerprint == lens.spec.fingerprint


def _lens_name(name: object) -> str:
    if not isinstance(name, str):
        raise UsageError(f"a lens can't be called {name!r}"[:80], remedy="use text for its name")
    return name


def _spec(embedder: str | EmbedderSpec) -> EmbedderSpec:
    if isinstance(embedder, EmbedderSpec):
        return embedder
    if not isinstance(embedder, str):
        raise UsageError(
            f"a lens can't be made with a {type(embedder).__name__}",
            remedy="give an embedder's name (see mitame models), vectors:DIM or a spec",
        )
    if embedder.startswith(f"{OWN_VECTORS}:"):
        return _vectors_spec(embedder)
    # A relative path must still be found when the collection is opened from elsewhere.
    path = embedder.removeprefix(ONNX_PREFIX)
    name = embedder if path == embedder else f"{ONNX_PREFIX}{Path(path).absolute()}"
    spec = open_embedder(name).spec
    return spec if spec.name == name else replace(spec, opened_by=name)


def _vectors_spec(text: str) -> EmbedderSpec:
    """The spec of ``vectors:DIM[:DISTANCE]``: no embedder, the user brings the vectors."""
    _, dimension, *rest = text.split(":")
    distance = rest[0] if rest else "cosine"
    if (
        not dimension.isdecimal()
        or len(dimension) > 5
        or not 1 <= int(dimension) <= 65_536
        or len(rest) > 1
    ):
        raise UsageError(f"can't read {text!r}", remedy="write it like vectors:512:cosine")
    if distance not in ("cosine", "euclidean", "inner_product"):
        raise UsageError(
            f"no distance {distance!r}", remedy="choose cosine, euclidean or inner_product"
        )
    return EmbedderSpec(
        name=OWN_VECTORS,
        weights="",
        input_size=(0, 0),
        dimension=int(dimension),
        distance=distance,  # type: ignore[arg-type] # checked on the line above
    )


def _open_embedder(lens: Lens, threads: int) -> Embedder:
    if lens.spec.name == OWN_VECTORS:
        raise _own_vectors(lens)
    embedder = open_embedder(lens.spec.opened_by or lens.spec.name, threads=threads)
    if embedder.spec.fingerprint != lens.spec.fingerprint:
        raise SpecMismatch(
            f"the embedder {lens.spec.name!r} installed here is not the one that made the "
            f"vectors of the lens {lens.name!r}"
        )
    return embedder


def _own_vectors(lens: Lens) -> UsageError:
    return UsageError(
        f"the lens {lens.name!r} holds vectors of your own and has no embedder",
        remedy="give a vector instead of a picture",
    )
