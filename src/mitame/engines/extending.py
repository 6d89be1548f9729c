"""What every engine that extends an index looks at first: how the older rows are numbered now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.engines.protocol import Kept
from mitame.errors import UsageError


def check_kept(kept: Kept, rows: int) -> NDArray[np.int64]:
    """The numbers of the rows that came, int64[new], ascending, when `kept` can be right.

    How many older rows there are is for the engine to compare with its parts.

    Args:
        kept: int64[older rows], see `ExtendingEngine.extend`.
        rows: how many there are now.

    Raises:
        UsageError: it is of another type or shape, a number is not among the rows, or stands
            before a smaller one.
    """
    if kept.dtype != np.int64 or kept.ndim != 1:
        raise UsageError(f"kept is {kept.dtype}{list(kept.shape)}", remedy="give int64[rows]")
    staying = kept[kept != -1]
    if len(staying) and (staying.min() < 0 or staying.max() >= rows):
        raise UsageError("kept names a row that is not there", remedy=f"use -1 to {rows - 1}")
    if (staying[1:] <= staying[:-1]).any():
        raise UsageError("kept is not in order", remedy="leave rows in the order that they had")
    is_new = np.ones(rows, np.bool_)
    is_new[staying] = False
    return np.flatnonzero(is_new)
