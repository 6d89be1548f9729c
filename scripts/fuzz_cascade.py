"""Damage what the `cascade` engine saved, open it, search it: never a crash, never a hang.

    python scripts/fuzz_cascade.py --seconds 60 --seed 1

Each round takes an index that was built, damages some of its parts or sizes, opens it under one of
the kernels and searches with any plan. What may come is `CorruptCollection` or an answer of the
right form. A round depends on the seed and its number alone: `--round` runs one again. A round that
takes longer than `--limit` seconds ends the process with a traceback, as a hang.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from mitame import native
from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines.cascade import shape
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.cascade.part_checks import wanted_of
from mitame.engines.cascade.parts import SIZE_NAMES, SIZES, cascade_of, read_parts
from mitame.engines.cascade.shape import NODE_BYTES
from mitame.errors import CorruptCollection
from mitame.neighbors import Neighbors

Array = NDArray[Any]
Floats = NDArray[np.float32]
Random = np.random.Generator
Damage = Callable[[dict[str, Array], Random], None]

ODD_FLOATS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e30, -1e30, 1e-45, -0.0, 1e12)
ODD_NUMBERS = (-1, -(2**31), 2**31 - 1, 2**30, 2**16, 255, 16, 1, 0)
LONGEST = 1 << 24
"""Elements of a part that is made."""
STDERR = 2
"""Where a hang is reported, whatever stands in for `sys.stderr` under a test."""
RESIZED = ("root_blocks", "list_blocks", "blocks", "degree", "twos", "fours", "coarse", "projected")


@dataclass(frozen=True)
class Base:
    """An index that is whole."""

    rows: Floats
    distance: Distance
    parts: dict[str, Array]


class WrongAnswer(Exception):
    """An answer that no index may give."""


def bases(*, edges: bool) -> Iterator[Base]:
    """Of each distance, with edges and without, without nodes, and with tails and residuals.

    Tails are behind their nodes where there are residuals, else by themselves.
    """
    rng = np.random.default_rng(0)
    for distance, rows, dimension in (
        *((distance, 150, 20) for distance in DISTANCES),
        ("cosine", 70, 3),
        ("euclidean", 150, 140),
        ("euclidean", 600, 784),
        ("euclidean", 600, 800),
    ):
        points = rng.standard_normal((rows, dimension), np.float32)
        points = normalise(points) if distance == "cosine" else points
        for degree in (0, 5) if edges else (0,):
            with mock.patch.object(shape, "spares_rows", return_value=dimension == 800):
                index = CascadeEngine().build(points, distance, degree=degree, lists=16)
            parts = dict(index.save())
            yield Base(points, distance, parts if dimension == 800 else with_tails_apart(parts))


def with_tails_apart(parts: dict[str, Array]) -> dict[str, Array]:
    """The parts as indexes of before have them: tails are a part of their own."""
    nodes = parts["nodes"]
    if nodes.shape[1] <= NODE_BYTES:
        return parts
    apart = {"nodes": nodes[:, :NODE_BYTES].copy(), "tails": nodes[:, NODE_BYTES:].copy()}
    return {**parts, **apart}


def any_part(parts: dict[str, Array], rng: Random) -> str:
    """A name."""
    return str(rng.choice(sorted(parts)))


def writable(parts: dict[str, Array], name: str) -> Array:
    """A flat copy that takes the part's place; it is changed where it stands."""
    parts[name] = parts[name].flatten()
    return parts[name]


def flip_bits(parts: dict[str, Array], rng: Random) -> None:
    """Of one part, anywhere."""
    found = writable(parts, any_part(parts, rng)).view(np.uint8)
    for at in rng.integers(max(1, len(found)), size=int(rng.integers(1, 40))):
        if len(found):
            found[at] ^= 1 << int(rng.integers(8))


def random_bytes(parts: dict[str, Array], rng: Random) -> None:
    """From somewhere on, four of them or all."""
    found = writable(parts, any_part(parts, rng)).view(np.uint8)
    begin = int(rng.integers(len(found) + 1))
    end = min(len(found), begin + int(rng.choice([4, 64, 4_096, 10**9])))
    found[begin:end] = rng.integers(256, size=end - begin)


def odd_values(parts: dict[str, Array], rng: Random) -> None:
    """NaN, infinities and ends of ranges, in one place or in all."""
    found = writable(parts, any_part(parts, rng))
    if not len(found):
        return
    where = slice(None) if rng.random() < 0.3 else rng.integers(len(found), size=3)
    if found.dtype.kind == "f":
        found[where] = rng.choice(ODD_FLOATS)
    else:
        ends = np.iinfo(found.dtype)
        found[where] = np.clip(int(rng.choice(ODD_NUMBERS)), ends.min, ends.max)


def odd_norms(parts: dict[str, Array], rng: Random) -> None:
    """In nodes, where they lie among bytes."""
    nodes = writable(parts, "nodes").view(np.uint8)
    nodes = nodes[: len(nodes) // 128 * 128].reshape(-1, 128)
    some = rng.random(len(nodes)) < rng.choice([0.1, 1.0])
    nodes[some, 124:] = np.array([rng.choice(ODD_FLOATS)], "<f4").view(np.uint8)


def near_numbers(parts: dict[str, Array], rng: Random) -> None:
    """Starts, ids and edges that are wrong, but hardly out of range."""
    name = str(rng.choice(["list-starts", "row-starts", "ids", "edges"]))
    if name in parts:
        found = writable(parts, name)
        if found.dtype == np.int32 and len(found):
            where = rng.integers(len(found), size=int(rng.integers(1, 20)))
            found[where] = rng.integers(-1, len(found) + 2, size=len(where))


def overlapping(parts: dict[str, Array], rng: Random) -> None:
    """Each list has all rows."""
    starts = writable(parts, str(rng.choice(["list-starts", "row-starts"])))
    starts[1::2] = starts.max()
    starts[::2] = 0


def another_length(parts: dict[str, Array], rng: Random) -> None:
    """A part longer or shorter than its sizes say."""
    name = any_part(parts, rng)
    found = parts[name].reshape(-1)
    parts[name] = np.resize(found, max(0, len(found) + int(rng.integers(-20, 20))))


def another_type(parts: dict[str, Array], rng: Random) -> None:
    """The same numbers, as far as that has them."""
    name = any_part(parts, rng)
    found = parts[name].reshape(-1)
    dtype = rng.choice(["u1", "i4", "i8", "f2", "f4"])
    parts[name] = found.astype(dtype)


def another_form(parts: dict[str, Array], rng: Random) -> None:
    """The same numbers with gaps, at an odd address, or with other axes."""
    name = any_part(parts, rng)
    found = parts[name].reshape(-1)
    how = rng.integers(3)
    if how == 0:
        parts[name] = np.repeat(found, 2)[::2]
    elif how == 1:
        raw = np.zeros(found.nbytes + 1, np.uint8)
        raw[1:] = np.ascontiguousarray(found).view(np.uint8)
        parts[name] = raw[1:].view(found.dtype)
    else:
        parts[name] = found.reshape(1, -1) if rng.random() < 0.5 else found.reshape(-1, 1)


def swapped(parts: dict[str, Array], rng: Random) -> None:
    """Two parts under each other's names."""
    one, other = any_part(parts, rng), any_part(parts, rng)
    parts[one], parts[other] = parts[other], parts[one]


def dropped(parts: dict[str, Array], rng: Random) -> None:
    """A part that is missing."""
    parts.pop(any_part(parts, rng))


def odd_size(parts: dict[str, Array], rng: Random) -> None:
    """A size that is wrong, a little or beyond all bounds."""
    numbers = writable(parts, SIZES)
    value = int(rng.choice([*ODD_NUMBERS, 2**62, -(2**62)]))
    if numbers.dtype == np.int64:
        numbers[rng.integers(len(numbers))] = value if rng.random() < 0.5 else rng.integers(0, 700)


def resized(parts: dict[str, Array], rng: Random) -> None:
    """Another size, with all parts of the lengths that then are right."""
    numbers = writable(parts, SIZES)
    if numbers.dtype != np.int64 or len(numbers) != len(SIZE_NAMES):
        return  # another part stands there
    name = str(rng.choice(RESIZED))
    at = SIZE_NAMES.index(name)
    steps = {"degree": 1, "projected": 1, "coarse": 64, "fours": 16, "twos": 16}
    numbers[at] = max(0, int(numbers[at]) + steps.get(name, 1) * int(rng.integers(-3, 4)))
    sizes = dict(zip(SIZE_NAMES, map(int, numbers), strict=True))
    wanted = wanted_of(parts, sizes)
    if max(length for _, length in wanted.values()) > LONGEST:
        return  # a size was damaged before
    for part, (dtype, length) in wanted.items():
        if part != "vectors":
            before = parts.get(part, np.zeros(1, dtype)).reshape(-1).astype(dtype)
            parts[part] = np.resize(before if len(before) else np.zeros(1, dtype), max(0, length))


DAMAGES: tuple[Damage, ...] = (
    flip_bits, random_bytes, odd_values, odd_norms, near_numbers, overlapping, another_length,
    another_type, another_form, swapped, dropped, odd_size, resized,
)  # fmt: skip
NEEDED = (SIZES, "nodes", "row-starts", "list-starts", "ids")
GENTLE: tuple[Damage, ...] = (
    flip_bits, random_bytes, odd_values, odd_norms, near_numbers, overlapping, resized,
)  # fmt: skip
"""What is mostly found at a search only."""


def damaged(base: Base, rng: Random) -> dict[str, Array]:
    """Its parts, one to three of them damaged in one way or another."""
    parts = dict(base.parts)
    for _ in range(int(rng.integers(1, 4))):
        choices = GENTLE if rng.random() < 0.7 else DAMAGES
        damage = choices[int(rng.integers(len(choices)))]
        if all(name in parts and len(parts[name]) for name in NEEDED):
            with np.errstate(all="ignore"):
                damage(parts, rng)
    return parts


def queries_of(base: Base, rng: Random) -> Floats:
    """Rows, points near them, or far away."""
    many = 40 if native.module() else 2  # NumPy follows edges slowly
    found = base.rows[rng.integers(len(base.rows), size=int(rng.choice([1, 2, many])))]
    found = found + np.float32(rng.choice([0, 0.1, 1e6])) * rng.standard_normal(
        found.shape, np.float32
    )
    return normalise(found) if base.distance == "cosine" else found


def check(found: Neighbors, base: Base, k: int, allow: NDArray[np.bool_] | None) -> None:
    """The form of an answer, whatever the index is like.

    Raises:
        WrongAnswer: rows that there are not, that are not allowed, twice, or too few.
    """
    possible = len(base.rows) if allow is None else int(np.count_nonzero(allow))
    for ids, away in zip(found.ids, found.distances, strict=True):
        real = ids[ids >= 0]
        if len(real) != min(k, possible) or (ids[len(real) :] != -1).any():
            raise WrongAnswer(f"{len(real)} of {k} neighbours: {ids}")
        if (real >= len(base.rows)).any() or len(set(real.tolist())) != len(real):
            raise WrongAnswer(f"rows that there are not, or twice: {ids}")
        if allow is not None and not allow[real].all():
            raise WrongAnswer(f"rows that are not allowed: {ids}")
        if not np.isfinite(away[: len(real)]).all() or (np.diff(away[: len(real)]) < 0).any():
            raise WrongAnswer(f"distances that are none: {away}")


def search_index(base: Base, parts: dict[str, Array], rng: Random) -> None:
    """Through the index, as a collection does."""
    rows = len(base.rows)
    index = CascadeEngine().open(base.rows, base.distance, parts)
    for _ in range(3):
        queries = queries_of(base, rng)
        k = int(rng.choice([1, 5, rows - 1, rows + 3]))
        allow = rng.random(rows) < 0.6 if rng.random() < 0.3 else None
        effort = float(rng.choice([0, 0.3, 0.8, 0.99]))
        for _again in range(2):  # with checks, and by the remembered plan
            check(index.search(queries, k, effort=effort, allow=allow), base, k, allow)


def search_stages(base: Base, parts: dict[str, Array], rng: Random) -> None:
    """The stages with a plan that no effort gives, and a filter of any size."""
    stored = read_parts(base.rows, base.distance, parts)
    if stored is None:
        return
    searcher = cascade_of(base.rows, stored)
    rows = len(base.rows)
    plan = [int(rng.choice([-(2**31), -1, 0, 1, 2, 7, 60, 2_000, 2**31 - 1])) for _ in range(6)]
    queries, k = queries_of(base, rng), int(rng.choice([1, 4, 300]))
    allow = rng.random(rows) < rng.random() if rng.random() < 0.5 else None
    ids = np.full((len(queries), k), -9, np.int64)
    away = np.full((len(queries), k), -9, np.float32)
    searcher.search(queries, ids, away, *plan, allow, int(rng.integers(-1, 5)))
    if ((ids < -1) | (ids >= rows)).any() or (ids[np.isinf(away)] != -1).any():
        raise WrongAnswer(f"rows that there are not: {ids}")


def run_round(found: list[Base], seed: int, number: int) -> bool:
    """One round; whether the damage was noticed.

    Raises:
        WrongAnswer: the answer has not the right form.
        Exception: whatever else the engine must not raise.
    """
    rng = np.random.default_rng([seed, number])
    base = found[int(rng.integers(len(found)))]
    parts = damaged(base, rng)
    with native.forced(str(rng.choice(native.usable()))):
        for search in (search_index, search_stages):
            try:
                search(base, parts, rng)
            except CorruptCollection:
                return True
    return False


def run(seconds: float, seed: int, *, limit: float = 60, rounds: int = 10**9) -> tuple[int, int]:
    """Rounds until the time is up; how many there were, and how many noticed the damage."""
    found = list(bases(edges=len(native.usable()) > 1))
    until = time.monotonic() + seconds
    noticed = number = 0
    try:
        while number < rounds and time.monotonic() < until:
            faulthandler.dump_traceback_later(limit, exit=True, file=STDERR)
            try:
                noticed += run_round(found, seed, number)
            except BaseException as error:
                error.add_note(f"seed {seed}, round {number}")
                raise
            number += 1
    finally:
        faulthandler.cancel_dump_traceback_later()
    return number, noticed


def main() -> int:
    """Entry point; 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--round", type=int, help="run this one alone")
    parser.add_argument("--limit", type=float, default=60, help="seconds a round may take")
    arguments = parser.parse_args()
    faulthandler.enable()
    if arguments.round is not None:
        everything = list(bases(edges=len(native.usable()) > 1))
        print("noticed:", run_round(everything, arguments.seed, arguments.round))
        return 0
    number, noticed = run(arguments.seconds, arguments.seed, limit=arguments.limit)
    print(f"{number} rounds, {noticed} noticed the damage; kernels: {', '.join(native.usable())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
