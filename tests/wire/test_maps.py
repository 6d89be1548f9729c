"""The compact form of a map."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.wire.maps import MapHead, from_bytes, to_bytes

HEAD = MapHead(
    lens="ü", method="layout", categories=["mug"], total=3, complete=True, generation=1, position=2
)
POINT = st.tuples(st.text(max_size=20), *[st.integers(0, 65_535)] * 3)


def made(points: list[tuple[str, int, int, int]]) -> bytes:
    x, y, category = (np.array([p[k] for p in points], np.uint16) for k in (1, 2, 3))
    return to_bytes(HEAD, [p[0] for p in points], x, y, category)


@given(st.lists(POINT, max_size=20))
def test_what_is_written_is_read(points: list[tuple[str, int, int, int]]) -> None:
    """Any ids and numbers; the numbers begin at a multiple of four."""
    data = made(points)
    head, ids, *numbers = from_bytes(data)
    assert head == HEAD
    assert list(zip(ids, *(each.tolist() for each in numbers), strict=True)) == points
    assert int.from_bytes(data[12:16], "little") % 4 == 0


@given(st.lists(POINT, min_size=1, max_size=3), st.data())
def test_what_is_cut_or_changed_is_no_crash(
    points: list[tuple[str, int, int, int]], data: st.DataObject
) -> None:
    """Cut anywhere it is a ValueError; with any byte changed it is read or a ValueError."""
    whole = made(points)
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        from_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ValueError):
        from_bytes(bytes(changed))
