"""The configured bound on how many floats vectors have: those that callers send, and of lenses."""

from __future__ import annotations

from mitame.config import LimitsConfig
from mitame.configuring.settings import RANGES
from mitame.errors import InvalidBody, InvalidVector
from mitame.lenses import DEFAULT_LENSES, OWN_VECTORS, Lenses, new_lenses

_MOST = RANGES["limits.dimension"][1]


def _remedy(limits: LimitsConfig) -> str:
    more = ", or raise limits.dimension in the server's configuration"
    return "use fewer" + (more if limits.dimension < _MOST else "")


def check_dimension(dimension: int, limits: LimitsConfig) -> None:
    """Whether a vector that a caller has sent may have so many floats.

    Raises:
        InvalidVector: it has more.
    """
    if dimension > limits.dimension:
        raise InvalidVector(
            f"a vector has {dimension:,} dimensions, more than {limits.dimension:,}",
            remedy=_remedy(limits),
        )


def lenses_within(lenses: Lenses | None, limits: LimitsConfig) -> Lenses:
    """The lenses that a caller wants to make, or the usual ones, each with its embedder's spec.

    Raises:
        InvalidBody: one has more dimensions than are allowed.
        UsageError, UnknownEmbedder: as `new_lenses`.
    """
    wanted = DEFAULT_LENSES if lenses is None else lenses
    for name, embedder in wanted.items():
        _check_lens(name, _told(embedder), limits)
    made = new_lenses(wanted)
    for lens in made:
        _check_lens(lens.name, lens.spec.dimension, limits)
    return {lens.name: lens.spec for lens in made}


def _told(embedder: object) -> int:
    """The dimension in ``vectors:DIM``, of which no lens need be made; 0 where there is none."""
    kind, _, rest = str(embedder).partition(":")
    number = rest.partition(":")[0]
    # of hundreds of digits it is still too large, and quicker to read
    return int(number[:20]) if kind == OWN_VECTORS and number.isdecimal() else 0


def _check_lens(name: str, dimension: int, limits: LimitsConfig) -> None:
    if dimension > limits.dimension:
        raise InvalidBody(
            f"the lens {name[:100]!r} has {dimension:,} dimensions, more than {limits.dimension:,}",
            remedy=_remedy(limits),
        )
