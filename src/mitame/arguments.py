"""What a Python caller hands over, checked: whatever is wrong with it is a UsageError."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.collection import Lens
from mitame.distances import check_vectors
from mitame.errors import InvalidFilter, InvalidVector, UnknownLens, UsageError
from mitame.filters import Filter, Match, parse
from mitame.picture import Picture

MAX_THREADS = 1_024


def check_path(value: str | os.PathLike[str], name: str) -> Path:
    """The path.

    Raises:
        UsageError: no path; `name` says which argument.
    """
    if isinstance(value, str | os.PathLike) and isinstance(text := os.fspath(value), str):
        return Path(text)
    raise UsageError(f"{name} is a {type(value).__name__}", remedy="give a path as text or Path")


def check_targets(targets: Iterable[str | os.PathLike[str]]) -> list[str]:
    """What to index, as text; a path or URL each.

    Raises:
        UsageError: one that is neither text nor a path.
    """
    kept = []
    for target in targets:
        if not isinstance(target, str | os.PathLike):
            raise UsageError(
                f"a target is a {type(target).__name__}", remedy="give paths or URLs, one by one"
            )
        kept.append(os.fspath(target))
    return kept


def check_threads(threads: int | None) -> int | None:
    """The number of threads itself.

    Raises:
        UsageError: neither None nor 1 to 1,024.
    """
    if threads is None:
        return None
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= MAX_THREADS:
        raise UsageError(f"threads is {threads!r}"[:80], remedy=f"use 1 to {MAX_THREADS}, or None")
    return threads


def check_megabytes(value: float, name: str) -> float:
    """Megabytes that are kept, as a float; 0 keeps none.

    Raises:
        UsageError: no number from 0 to 1,000,000.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value <= 1_000_000:
        raise UsageError(f"{name} is {value!r}"[:80], remedy="use a number from 0 to 1,000,000")
    return float(value)


def check_threshold(value: float | None) -> float | None:
    """The lowest score to be answered, as a float.

    Raises:
        UsageError: neither None nor a finite number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise UsageError(f"score_threshold is {value!r}"[:80], remedy="use a number, or None")
    return float(value)


def filter_of(where: str | Filter | None) -> Filter | None:
    """The filter that a text says; a Filter or None is itself.

    Raises:
        InvalidFilter: it can't be read, or is of another type.
    """
    if isinstance(where, str):
        return parse(where)
    if where is None or isinstance(where, Filter):
        return where
    raise InvalidFilter(f"a filter can't be a {type(where).__name__}")


def filter_in(category: str | None, where: str | Filter | None) -> Filter | None:
    """What a category and a filter ask for together; None where both are.

    Raises:
        InvalidFilter: as of `filter_of`.
    """
    found = filter_of(where)
    if category is None:
        return found
    own = Match("category", (category,))
    return Filter((own,)) if found is None else Filter((own, *found.must), found.must_not)


def lens_of(lenses: Mapping[str, Lens], name: str | None) -> Lens:
    """The named lens; the first one where the name is None.

    Raises:
        UnknownLens: there is no such lens.
    """
    wanted = next(iter(lenses)) if name is None else name
    if not isinstance(wanted, str) or wanted not in lenses:
        raise UnknownLens(f"no lens {wanted!r}"[:80], remedy=f"choose from: {', '.join(lenses)}")
    return lenses[wanted]


def pictures_of(image: Picture | None, images: Iterable[Picture]) -> list[Picture]:
    """The pictures of an item, from the argument for one and that for several.

    Raises:
        UsageError: `images` is one picture, or nothing that has any.
    """
    # A text or an array is iterable, too: its letters or rows are not what the caller means.
    if isinstance(images, str | bytes | bytearray | os.PathLike | np.ndarray):
        raise UsageError("images is a single picture", remedy="give a list, or use image=")
    if not isinstance(images, Iterable):
        raise UsageError(f"images is a {type(images).__name__}", remedy="give a list of pictures")
    return [*([] if image is None else [image]), *images]


def vector_of(value: ArrayLike, lens: Lens) -> NDArray[np.float32]:
    """One vector of a lens, float32[dim], from float[dim] or float[1, dim].

    Raises:
        InvalidVector: another shape or dimension, NaN or infinity, no numbers, or all zero where
            the lens compares directions (cosine).
    """
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:  # rows of several lengths
        raise InvalidVector(
            "a vector must be a flat list of numbers", remedy="give float32[dim]"
        ) from error
    if not (found.ndim == 1 or (found.ndim == 2 and len(found) == 1)):
        raise InvalidVector(
            f"a vector can't have the shape {list(found.shape)}",
            remedy=f"give one vector, float32[{lens.spec.dimension}]",
        )
    vector: NDArray[np.float32] = check_vectors(found.reshape(1, -1), lens.spec.dimension)[0]
    if lens.spec.distance == "cosine" and not vector.any():
        raise InvalidVector(
            f"a vector of zeros has no direction, which the lens {lens.name!r} compares",
            remedy="leave the item out, or use a lens with the euclidean distance",
        )
    return vector
