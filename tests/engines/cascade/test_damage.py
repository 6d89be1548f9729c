"""Damaged parts and wrong arguments: typed errors or right-formed answers, never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame import native
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.cascade.numpy_search import NumpyCascade
from mitame.engines.cascade.parts import SIZES, read_parts
from mitame.errors import CorruptCollection
from scripts import fuzz_cascade
from tests.engines.cascade.made import Made, made, rows_of

SECONDS = float(os.environ.get("MITAME_FUZZ_SECONDS", "3"))
"""How long the fuzzer runs; `make sanitize` gives it more."""
SEED = int(os.environ.get("MITAME_FUZZ_SEED", "0"))
SANITIZED = "MITAME_SANITIZED" in os.environ

needs_native = pytest.mark.skipif(
    len(native.usable()) == 1, reason="the native module was not built here"
)
WHOLE = made(rows_of(200, 130, seed=3), "euclidean", queries=3, degree=5, lists=16)
EDGES = "edges" in WHOLE.parts


def sizes_of(index: Made) -> dict[str, int]:
    stored = read_parts(index.rows, index.distance, index.parts)
    assert stored is not None
    return dict(stored.sizes)


def parts_of(index: Made) -> dict[str, NDArray[Any]]:
    return {**index.parts, "vectors": index.rows}


@pytest.fixture(params=[NumpyCascade, pytest.param("native", marks=pytest.mark.native)])
def cascade(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The class that makes a searcher of parts and sizes: NumPy's, and the native one."""
    if request.param != "native":
        return request.param  # type: ignore[no-any-return]  # pytest's params have no types
    module = native.module()
    if module is None:
        pytest.skip("the native module was not built here")
    return module.Cascade  # type: ignore[no-any-return]  # an extension module has no types


@pytest.fixture
def module() -> ModuleType:
    found = native.module()
    if found is None:
        pytest.skip("the native module was not built here")
    return found


def test_the_fuzzer_damages_every_part() -> None:
    """Among its indexes are those with each optional part."""
    found = [set(base.parts) for base in fuzz_cascade.bases(edges=EDGES)]
    for name in ("tails", "residuals", *(["edges"] if EDGES else [])):
        assert any(name in parts for parts in found)
        assert any(name not in parts for parts in found)
    assert any(base.parts["nodes"].shape[1] == 192 for base in fuzz_cascade.bases(edges=EDGES))


@pytest.mark.native
def test_the_fuzzer_finds_nothing() -> None:
    """Some seconds of damage: a part of it is noticed, and nothing crashes or gives nonsense."""
    rounds, noticed = fuzz_cascade.run(SECONDS, SEED)
    assert rounds > 20
    assert 0 < noticed < rounds


@pytest.mark.parametrize("kernel", native.usable())
def test_the_fuzzer_would_find_something(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checks see what is wrong: rows that there are not, rows twice, too few."""
    base = next(fuzz_cascade.bases(edges=False))
    with native.forced(kernel):
        found = CascadeEngine().open(base.rows, base.distance, base.parts).search(base.rows, 4)
    fuzz_cascade.check(found, base, 4, None)
    for at, value in ((0, len(base.rows)), (0, int(found.ids[0, 1])), (3, -1)):
        ids = found.ids.copy()
        ids[0, at] = value
        with pytest.raises(fuzz_cascade.WrongAnswer):
            fuzz_cascade.check(type(found)(ids, found.distances), base, 4, None)


@pytest.mark.parametrize("name", sorted(set(parts_of(WHOLE)) - {SIZES}))
def test_a_part_that_is_not_as_its_sizes_say(name: str, cascade: Callable[..., Any]) -> None:
    """Missing, too short, too long, or of another type: the error names the part."""
    whole = parts_of(WHOLE)
    flat = whole[name].reshape(-1)
    for wrong in (None, flat[:-1].copy(), np.resize(flat, len(flat) + 1), flat.astype(np.float64)):
        parts = {**whole, name: wrong} if wrong is not None else dict(whole)
        if wrong is None:
            del parts[name]
        with pytest.raises(ValueError, match=name):
            cascade(parts, sizes_of(WHOLE))


FLAT = made(rows_of(600, 784, seed=4, fall=0), "euclidean", queries=3, residuals=True, degree=0)


@pytest.mark.parametrize("name", ["tails", "residuals"])
def test_optional_parts_are_as_sizes_say_or_missing(name: str, cascade: Callable[..., Any]) -> None:
    """Of another length or type they are refused; without residuals a search goes on."""
    whole = {**fuzz_cascade.with_tails_apart(dict(FLAT.parts)), "vectors": FLAT.rows}
    flat = whole[name].reshape(-1)
    for wrong in (flat[:-1].copy(), np.resize(flat, len(flat) + 1), flat.astype(np.float32)):
        with pytest.raises(ValueError, match=name):
            cascade({**whole, name: wrong}, sizes_of(FLAT))
    del whole[name]
    if name == "tails":  # whose absence means that they are behind the nodes
        with pytest.raises(ValueError, match="nodes"):
            cascade(whole, sizes_of(FLAT))
        return
    ids, away = np.empty((3, 4), np.int64), np.empty((3, 4), np.float32)
    searcher = cascade(whole, sizes_of(FLAT))
    assert searcher.search(FLAT.queries, ids, away, 9, 16, 90, 40, 30, 20, None, 1) == 0


def test_residuals_need_nodes(cascade: Callable[..., Any]) -> None:
    """They are what nodes leave."""
    with pytest.raises(ValueError, match="nodes"):
        cascade({**parts_of(FLAT), "nodes": np.empty(0, np.uint8)}, sizes_of(FLAT))


@pytest.mark.parametrize("kernel", native.usable())
def test_steps_by_which_residuals_have_no_key(kernel: str) -> None:
    """They leave too few rows; the index looks at all then."""
    steps = FLAT.parts["node-steps"].copy()
    steps[40:300] = 3e38
    with native.forced(kernel):
        parts = {**FLAT.parts, "node-steps": steps}
        found = CascadeEngine().open(FLAT.rows, FLAT.distance, parts).search(FLAT.queries, 3)
    assert (found.ids >= 0).all()


def test_nodes_may_be_none_but_where_they_are_needed(cascade: Callable[..., Any]) -> None:
    """Edges lead from node to node, tails go on where nodes end; without both, codes will do."""
    none = np.empty(0, np.uint8)
    bare = made(rows_of(200, 24, fall=0), "euclidean", queries=3, degree=0, lists=16)
    assert not bare.parts["nodes"].size
    cascade(parts_of(bare), sizes_of(bare))
    with pytest.raises(ValueError, match="nodes"):
        cascade({**parts_of(bare), "nodes": np.zeros(128, np.uint8)}, sizes_of(bare))
    with pytest.raises(ValueError, match="nodes"):
        cascade({**parts_of(WHOLE), "nodes": none}, sizes_of(WHOLE))
    tails = np.zeros(64 * len(bare.parts["ids"]), np.uint8)
    with pytest.raises(ValueError, match="nodes"):
        cascade({**parts_of(bare), "tails": tails}, sizes_of(bare))


@needs_native
@pytest.mark.native
def test_no_edges_are_chosen_where_there_are_no_nodes(module: ModuleType) -> None:
    """A clear refusal: their codes are what edges are chosen by."""
    bare = made(rows_of(200, 24, fall=0), "euclidean", queries=3, degree=0, lists=16)
    searcher = module.Cascade(parts_of(bare), sizes_of(bare))
    places = len(bare.parts["ids"])
    candidates = np.zeros((places, 4), np.int32)
    with pytest.raises(ValueError, match="no nodes"):
        searcher.prune(candidates, np.empty((places, 2), np.int32), 1.0, 1)


@pytest.mark.parametrize(
    "name", ["mean", "rotation-steps", "node-steps", "list-steps", "row-steps"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_steps_that_are_no_numbers(name: str, value: float, cascade: Callable[..., Any]) -> None:
    """All keys depend on them, and they are few: they are looked at when an index is opened."""
    part = WHOLE.parts[name].copy()
    part.reshape(-1)[-1] = value
    with pytest.raises(ValueError, match=name):
        cascade({**parts_of(WHOLE), name: part}, sizes_of(WHOLE))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dimension", 0), ("dimension", 65_537), ("dimension", 2**31 - 1), ("projected", 0),
        ("projected", 593), ("fours", 0), ("fours", 8), ("fours", 608), ("twos", 8),
        ("twos", 2**31 - 16), ("coarse", 0), ("coarse", 32), ("coarse", 640), ("degree", 257),
        ("distance", 3), ("root_blocks", 2**25 + 1), ("list_blocks", 2**31 - 1),
        ("blocks", 2**25 + 1), ("blocks", 0), ("rows", 0), ("rows", 2**31 - 1),
    ],
)  # fmt: skip
def test_a_size_that_can_not_be(name: str, value: int, cascade: Callable[..., Any]) -> None:
    """Refused before anything is multiplied by it."""
    with pytest.raises(ValueError, match=r"out of range|wrong|no such|too many|part"):
        cascade(parts_of(WHOLE), {**sizes_of(WHOLE), name: value})


@needs_native
@pytest.mark.native
@pytest.mark.parametrize("value", [-1, 2**31, 2**80, 1.5, "4", None])
def test_a_size_that_is_no_whole_number(value: object, module: ModuleType) -> None:
    """Or missing: the native module names it."""
    for name in ("rows", "fours", "degree", "blocks"):
        with pytest.raises(ValueError, match=name):
            module.Cascade(parts_of(WHOLE), {**sizes_of(WHOLE), name: value})
        sizes = sizes_of(WHOLE)
        del sizes[name]
        with pytest.raises(ValueError, match=name):
            module.Cascade(parts_of(WHOLE), sizes)


@needs_native
@pytest.mark.native
@pytest.mark.parametrize("name", ["row-norms", "ids", "nodes", "vectors", "row-steps"])
def test_parts_with_gaps_or_at_odd_addresses(name: str, module: ModuleType) -> None:
    """The kernels read neither."""
    part = parts_of(WHOLE)[name].reshape(-1)
    raw = np.zeros(part.nbytes + 1, np.uint8)
    raw[1:] = part.view(np.uint8)
    gaps, odd = np.repeat(part, 2)[::2], raw[1:].view(part.dtype)
    wrong = [gaps] if part.dtype == np.uint8 else [gaps, odd]
    for one in wrong:
        with pytest.raises(ValueError, match=name):
            module.Cascade({**parts_of(WHOLE), name: one}, sizes_of(WHOLE))


@needs_native
@pytest.mark.native
def test_parts_are_held(module: ModuleType) -> None:
    """An index goes on when all others have let go of its parts, and of the dictionary."""
    parts = {name: part.copy() for name, part in parts_of(WHOLE).items()}
    searcher = module.Cascade(parts, sizes_of(WHOLE))
    ids, away = np.empty((3, 4), np.int64), np.empty((3, 4), np.float32)
    searcher.search(WHOLE.queries, ids, away, 9, 16, 90, 40, 30, 20, None, 1)
    before = ids.copy()
    parts.clear()
    [np.full(50_000, 0x7F, np.uint8) for _ in range(50)]
    searcher.search(WHOLE.queries, ids, away, 9, 16, 90, 40, 30, 20, None, 1)
    np.testing.assert_array_equal(ids, before)


@needs_native
@pytest.mark.native
def test_read_only_parts_will_do(module: ModuleType) -> None:
    """Mapped ones are so."""
    parts = parts_of(WHOLE)
    for part in parts.values():
        part.setflags(write=False)
    ids, away = np.empty((3, 4), np.int64), np.empty((3, 4), np.float32)
    searcher = module.Cascade(parts, sizes_of(WHOLE))
    assert searcher.search(WHOLE.queries, ids, away, 9, 16, 90, 40, 30, 20, None, 1) == 0


def outputs(shape: tuple[int, ...], dtype: type[np.generic], *, how: str = "") -> NDArray[Any]:
    found = np.zeros(shape, dtype)
    if how == "read-only":
        found.setflags(write=False)
    if how == "gaps":
        return np.zeros((*shape[:-1], shape[-1] * 2), dtype)[..., ::2]
    if how == "odd address":
        return np.zeros(found.nbytes + 1, np.uint8)[1:].view(dtype).reshape(shape)
    return found


WRONG_OUTPUTS = [
    ((3, 4), np.int32, ""), ((3, 4), np.float64, ""), ((3, 4), np.uint64, ""),
    ((4, 4), np.int64, ""),
    ((3, 0), np.int64, ""), ((12,), np.int64, ""), ((3, 4), np.int64, "read-only"),
    ((3, 4), np.int64, "gaps"), ((3, 4), np.int64, "odd address"), ((3, 5), np.int64, ""),
]  # fmt: skip


@needs_native
@pytest.mark.native
@pytest.mark.parametrize(("shape", "dtype", "how"), WRONG_OUTPUTS)
def test_outputs_that_do_not_fit(
    shape: tuple[int, ...], dtype: type[np.generic], how: str, module: ModuleType
) -> None:
    """Refused, not converted: what is written must be the caller's."""
    searcher = module.Cascade(parts_of(WHOLE), sizes_of(WHOLE))
    right = {"ids": outputs((3, 4), np.int64), "away": outputs((3, 4), np.float32)}
    plan = (9, 16, 90, 40, 30, 20)
    quick = searcher.quick(*plan, 1)
    other = np.float32 if dtype is np.int64 else dtype
    for name, wrong in (
        ("ids", outputs(shape, dtype, how=how)),
        ("away", outputs(shape, other, how=how)),
    ):
        one = {**right, name: wrong}
        with pytest.raises((TypeError, ValueError)):
            searcher.search(WHOLE.queries, one["ids"], one["away"], *plan, None, 1)
        with pytest.raises((TypeError, ValueError)):
            searcher.search_quick(WHOLE.queries, one["ids"], one["away"], quick)


@needs_native
@pytest.mark.native
@pytest.mark.parametrize(
    "queries",
    [
        WHOLE.queries.astype(np.float64), WHOLE.queries[:, :-1].copy(), WHOLE.queries[:2],
        WHOLE.queries[0], WHOLE.queries.T, WHOLE.queries.tolist(), None, "abc",
        np.zeros((3, 260), np.float32)[:, ::2],
    ],
)  # fmt: skip
def test_queries_that_do_not_fit(queries: object, module: ModuleType) -> None:
    """Another type, shape or layout."""
    searcher = module.Cascade(parts_of(WHOLE), sizes_of(WHOLE))
    ids, away = outputs((3, 4), np.int64), outputs((3, 4), np.float32)
    with pytest.raises((TypeError, ValueError)):
        searcher.search(queries, ids, away, 9, 16, 90, 40, 30, 20, None, 1)


@needs_native
@pytest.mark.native
@pytest.mark.parametrize(
    "allow",
    [
        np.ones(199, bool), np.ones(201, bool), np.ones((200, 1), bool), np.ones(200, np.uint8),
        np.ones(400, bool)[::2], [True] * 200, "all",
    ],
)  # fmt: skip
def test_filters_that_do_not_fit(allow: object, module: ModuleType) -> None:
    """Only bool[rows] without gaps is one."""
    searcher = module.Cascade(parts_of(WHOLE), sizes_of(WHOLE))
    ids, away = outputs((3, 4), np.int64), outputs((3, 4), np.float32)
    with pytest.raises((TypeError, ValueError)):
        searcher.search(WHOLE.queries, ids, away, 9, 16, 90, 40, 20, allow, 1)


@needs_native
@pytest.mark.native
@pytest.mark.parametrize("kernel", native.usable()[1:])
@pytest.mark.parametrize("threads", [-(2**31), 0, 1, 3, 2**31 - 1])
def test_any_number_of_threads(threads: int, kernel: str) -> None:
    """Some hundred queries on as many threads as one likes give what one thread gives."""
    module = native.module()
    assert module is not None
    queries = rows_of(300, 130, seed=8)
    ids, away = outputs((300, 4), np.int64), outputs((300, 4), np.float32)
    wanted = ids.copy()
    with native.forced(kernel):
        searcher = module.Cascade(parts_of(WHOLE), sizes_of(WHOLE))
        searcher.search(queries, wanted, away, 9, 16, 90, 40, 30, 20, None, 1)
        searcher.search(queries, ids, away, 9, 16, 90, 40, 30, 20, None, threads)
    np.testing.assert_array_equal(ids, wanted)


@needs_native
@pytest.mark.native
def test_more_neighbours_than_anyone_has(module: ModuleType) -> None:
    """Memory is taken for rows that there are, not for as many as are asked for."""
    searcher = module.Cascade(parts_of(WHOLE), sizes_of(WHOLE))
    most = 2**31 - 1
    ids, away = outputs((1, 2**22), np.int64), outputs((1, 2**22), np.float32)
    ids[:], away[:] = 7, 7
    searcher.search(WHOLE.queries[:1], ids, away, *[most] * 6, None, 1)
    assert sorted(ids[0, :200].tolist()) == list(range(200))
    assert (ids[0, 200:] == -1).all()
    assert np.isinf(away[0, 200:]).all()


@needs_native
@pytest.mark.native
def test_edges_are_made_of_places_only(module: ModuleType) -> None:
    """Lines for each place, candidates that are places, outputs that can be written."""
    searcher = module.Cascade(parts_of(WHOLE), sizes_of(WHOLE))
    places = len(WHOLE.parts["ids"])
    good = np.full((places, 8), -1, np.int32)
    edges = outputs((places, 4), np.int32)
    searcher.prune(good, edges, 1.0, 2)
    assert (edges == -1).all()
    beyond = good.copy()
    beyond[-1, -1] = places
    for candidates, out in (
        (beyond, edges), (good[:-1], edges), (good, edges[:-1]), (good.astype(np.int64), edges),
        (good, outputs((places, 4), np.int64)), (good, outputs((places, 4), np.int32, how="gaps")),
        (good, outputs((places, 4), np.int32, how="read-only")),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError)):
            searcher.prune(candidates, out, 1.0, 2)
    for out in (
        edges[:-1],
        outputs((places, 4), np.int32, how="read-only"),
        edges.astype(np.int64),
    ):
        with pytest.raises((TypeError, ValueError)):
            searcher.neighbours(out, 4, 4, 20, 20, 1)
    none = outputs((places, 0), np.int32)
    assert searcher.neighbours(none, 4, 4, 20, 20, 1) == 0


@needs_native
@pytest.mark.native
@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs all of the address space")
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_no_memory_is_an_error_in_every_thread() -> None:
    """Where a thread of the kernel's can't have what it needs, Python gets a MemoryError."""
    program = (
        "import resource, numpy as np\n"
        "from tests.engines.cascade import test_damage as t\n"
        "searcher = t.native.module().Cascade(t.parts_of(t.WHOLE), t.sizes_of(t.WHOLE))\n"
        "places = len(t.WHOLE.parts['ids'])\n"
        "wide = np.full((places, 200_000), -1, np.int32)\n"
        "edges = np.empty((places, 4), np.int32)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20),) * 2)\n"
        "try: searcher.prune(wide, edges, 1.0, 3)\n"
        "except MemoryError: print('no memory')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "no memory\n", done.stderr


@pytest.mark.parametrize("kernel", native.usable())
@pytest.mark.parametrize("name", ["list-starts", "row-starts", "ids", "edges"])
def test_a_part_that_leads_nowhere_is_named_corrupt(kernel: str, name: str) -> None:
    """Found at a search, at the first and by the remembered plan."""
    if name not in WHOLE.parts:
        pytest.skip("there are no edges without the native module")
    for value in (-2, 2**31 - 1, len(WHOLE.parts["ids"])):
        part = np.full_like(WHOLE.parts[name], value)
        with native.forced(kernel):
            index = CascadeEngine().open(WHOLE.rows, WHOLE.distance, {**WHOLE.parts, name: part})
            for _ in range(2):
                with pytest.raises(CorruptCollection, match="leads nowhere"):
                    index.search(WHOLE.queries, 3, effort=0.5)


@pytest.mark.parametrize("kernel", native.usable())
def test_lists_that_overlap_are_corrupt(kernel: str) -> None:
    """Each having all rows, they would be looked at again and again."""
    starts = WHOLE.parts["row-starts"].copy()
    starts[1::2] = starts.max()
    starts[::2] = 0
    with native.forced(kernel):
        parts = {**WHOLE.parts, "row-starts": starts}
        index = CascadeEngine().open(WHOLE.rows, WHOLE.distance, parts)
        with pytest.raises(CorruptCollection):
            index.search(WHOLE.queries, 3, effort=0.9)


@pytest.mark.parametrize("at", range(15))
@pytest.mark.parametrize("value", [-1, 0, 2**31, 2**62])
def test_damaged_sizes(at: int, value: int) -> None:
    """Each of them, too small or too large: refused when it is opened, or it is no matter."""
    sizes = WHOLE.parts[SIZES].copy()
    sizes[at] = value
    try:
        index = CascadeEngine().open(WHOLE.rows, WHOLE.distance, {**WHOLE.parts, SIZES: sizes})
        found = index.search(WHOLE.queries, 3, effort=0.3)
    except CorruptCollection:
        return
    assert value == 0
    assert (found.ids >= 0).all()
