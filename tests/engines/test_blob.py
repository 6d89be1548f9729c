"""Sealed blobs: what comes back is what went in, or an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.engines.blob import HEAD, MAX_HEAD, Identity, seal, unseal
from mitame.errors import CorruptCollection

IDENTITY = Identity("toy", 300, 24, "cosine")


def blob(*values: int) -> Any:
    return np.array(values, np.uint8)


@given(
    st.dictionaries(st.sampled_from(["a", "b-2", "c"]), st.binary(max_size=300)),
    st.dictionaries(st.text(max_size=5), st.integers() | st.floats(allow_nan=False)),
)
def test_unsealed_is_what_was_sealed(blobs: dict[str, bytes], facts: dict[str, Any]) -> None:
    """Any bytes under any names, empty ones too, and any facts."""
    sealed = seal(IDENTITY, facts, {n: np.frombuffer(b, np.uint8) for n, b in blobs.items()})
    found_facts, found = unseal(IDENTITY, sealed)
    assert found_facts == facts
    assert {name: part.tobytes() for name, part in found.items()} == blobs


def test_every_flipped_bit_is_found() -> None:
    """Of the head and of a blob: each one."""
    sealed = seal(IDENTITY, {"trees": 3}, {"a": blob(1, 2, 3, 255)})
    for name, part in sealed.items():
        for bit in range(8 * len(part)):
            damaged = part.copy()
            damaged[bit // 8] ^= np.uint8(1 << (bit % 8))
            with pytest.raises(CorruptCollection):
                unseal(IDENTITY, {**sealed, name: damaged})


@pytest.mark.parametrize(
    "other",
    [
        replace(IDENTITY, engine="other"),
        replace(IDENTITY, rows=299),
        replace(IDENTITY, dimension=25),
        replace(IDENTITY, distance="euclidean"),
    ],
    ids=lambda identity: f"{identity.engine}-{identity.rows}-{identity.dimension}",
)
def test_of_something_else(other: Identity) -> None:
    """Blobs of another engine, of other rows or for another distance are refused by name."""
    with pytest.raises(CorruptCollection, match="toy index is of"):
        unseal(IDENTITY, seal(other, {}, {}))


def test_other_forms() -> None:
    """Missing, of another type, with two axes, cut off, or a head without end."""
    sealed = seal(IDENTITY, {}, {"a": blob(1, 2, 3, 4)})
    wrong: list[Any] = [
        {HEAD: sealed[HEAD]},
        {"a": sealed["a"]},
        {**sealed, "a": sealed["a"].astype(np.int32)},
        {**sealed, "a": sealed["a"].reshape(2, 2)},
        {**sealed, "a": sealed["a"][:3]},
        {**sealed, HEAD: sealed[HEAD][:3]},
        {**sealed, HEAD: np.zeros(MAX_HEAD + 1, np.uint8)},
    ]
    for parts in wrong:
        with pytest.raises(CorruptCollection, match="missing or damaged") as caught:
            unseal(IDENTITY, parts)
        assert "mitame merge" in caught.value.remedy
