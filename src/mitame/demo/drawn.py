"""A catalogue of product-like pictures that mitame draws itself: seeded, the same every time.

It is the demonstration where no sample set can be fetched, and the tests' pictures.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mitame.demo import belongings, furnishings
from mitame.demo.outlines import Part, Vary
from mitame.demo.painting import View, paint
from mitame.demo.patterns import COLOURS, PATTERNS, Rgb
from mitame.errors import StorageError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

SHAPES: Mapping[str, Callable[[Vary], list[Part]]] = MappingProxyType(
    {
        "mug": furnishings.mug,
        "shirt": belongings.shirt,
        "chair": furnishings.chair,
        "shoe": belongings.shoe,
        "vase": furnishings.vase,
        "bag": belongings.bag,
        "lamp": furnishings.lamp,
        "hat": belongings.hat,
        "clock": furnishings.clock,
        "dress": belongings.dress,
        "teapot": furnishings.teapot,
        "umbrella": belongings.umbrella,
        "sofa": furnishings.sofa,
        "guitar": belongings.guitar,
        "bottle": furnishings.bottle,
        "backpack": belongings.backpack,
        "table": furnishings.table,
        "glasses": belongings.glasses,
        "ball": belongings.ball,
        "sock": belongings.sock,
    }
)
KINDS = tuple(SHAPES)
MAX_COUNT = 100_000
MAX_SIZE = 2_048

_LYING = frozenset({"shirt", "dress", "sock", "glasses", "clock", "hat", "umbrella", "guitar"})
_BACKDROPS: tuple[Rgb, ...] = (
    (246, 244, 240),
    (238, 240, 243),
    (243, 236, 228),
    (232, 239, 236),
    (240, 234, 240),
    (228, 233, 240),
)
_TYPICAL_PRICE = 4_000
_VIEWS_IN_A_ROW = 2
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class DrawnItem:
    """One picture of the drawn catalogue.

    Attributes:
        path: the JPEG file.
        id: its name without the ending, unique in the catalogue.
        kind, colour, pattern: what it shows; names in KINDS, COLOURS and PATTERNS.
        price: whole units of an unnamed currency; the same for each view of a design.
    """

    path: Path
    id: str
    kind: str
    colour: str
    pattern: str
    price: int


def draw(kind: str, colour: str, pattern: str, view_seed: int, size: int) -> Image:
    """One picture, RGB, `size` x `size`.

    Kind, colour and pattern decide the design (its proportions too), `view_seed` how it is
    placed: scale, tilt, side, backdrop.

    Args:
        kind: one of KINDS.
        colour: one of COLOURS.
        pattern: one of PATTERNS.
        view_seed: at least 0.
        size: pixels, 16 to 2,048.

    Raises:
        UsageError: a name that is not known or a number out of range.
    """
    _check_name("kind", kind, KINDS)
    _check_name("colour", colour, COLOURS)
    _check_name("pattern", pattern, PATTERNS)
    _check_number("size", size, 16, MAX_SIZE)
    _check_number("view_seed", view_seed, 0, 2**63)
    design = np.random.default_rng(_key(kind, colour, pattern))
    parts = SHAPES[kind](lambda low, high: float(design.uniform(low, high)))
    spacing = float(design.choice([0.075, 0.095, 0.12]))
    view = _view(kind, view_seed)
    return paint(parts, view, colour=colour, pattern=pattern, spacing=spacing, size=size)


def draw_catalogue(
    folder: Path, *, count: int = 480, seed: int = 0, size: int = 256
) -> list[DrawnItem]:
    """Draws `count` pictures as ``folder/KIND/KIND-COLOUR-PATTERN-N.jpg``.

    Kinds take turns; each design has two pictures, N = 1 and 2, before the next begins. Files of
    the same name are replaced. The same arguments give the same pictures.

    Args:
        folder: made if it is not there.
        count: pictures, 1 to 100,000.
        seed: at least 0; decides which designs come first and how they are placed.
        size: pixels, 16 to 2,048.

    Raises:
        UsageError: a number out of range.
        StorageError: the folder can't be written.
    """
    _check_number("count", count, 1, MAX_COUNT)
    _check_number("size", size, 16, MAX_SIZE)
    _check_number("seed", seed, 0, 2**32)
    designs = {kind: _designs(kind, seed) for kind in KINDS}
    return [_write(folder, n, designs[KINDS[n % len(KINDS)]], seed, size) for n in range(count)]


def _write(
    folder: Path, number: int, designs: list[tuple[str, str]], seed: int, size: int
) -> DrawnItem:
    kind, turn = KINDS[number % len(KINDS)], number // len(KINDS)
    pair, place = divmod(turn, _VIEWS_IN_A_ROW)
    cycle, design = divmod(pair, len(designs))
    colour, pattern = designs[design]
    view = cycle * _VIEWS_IN_A_ROW + place + 1
    name = f"{kind}-{colour}-{pattern}-{view}"
    path = folder / kind / f"{name}.jpg"
    image = draw(kind, colour, pattern, _key(name, str(seed)), size)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, "JPEG", quality=_JPEG_QUALITY)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror or error}") from error
    return DrawnItem(path, name, kind, colour, pattern, _price(kind, colour, pattern))


def _designs(kind: str, seed: int) -> list[tuple[str, str]]:
    """Every colour with every pattern, in an order of this kind's own."""
    pairs = [(colour, pattern) for colour in COLOURS for pattern in PATTERNS]
    order = np.random.default_rng(_key(kind, str(seed))).permutation(len(pairs))
    return [pairs[i] for i in order]


def _view(kind: str, view_seed: int) -> View:
    rng = np.random.default_rng([_key(kind), view_seed])
    lying = kind in _LYING
    tilt = 14.0 if lying else 4.0
    return View(
        scale=float(rng.uniform(0.88, 1.03)),
        tilt=float(rng.uniform(-tilt, tilt)),
        flip=bool(rng.integers(2)),
        shift=(float(rng.uniform(-0.04, 0.04)), float(rng.uniform(-0.02, 0.02))),
        backdrop=_BACKDROPS[int(rng.integers(len(_BACKDROPS)))],
        lying=lying,
    )


def _price(kind: str, colour: str, pattern: str) -> int:
    """A price that keeps to its kind: a sofa costs more than a sock most of the time."""
    of_kind = np.random.default_rng(_key(kind)).lognormal(0, 0.8)
    of_design = np.random.default_rng(_key(kind, colour, pattern)).uniform(0.7, 1.4)
    return int(_TYPICAL_PRICE * of_kind * of_design / 10) * 10


def _key(*names: str) -> int:
    """A number for these names; Python's own hash differs from run to run."""
    return zlib.crc32("/".join(names).encode())


def _check_name(what: str, name: str, known: Mapping[str, object] | tuple[str, ...]) -> None:
    if name not in known:
        raise UsageError(
            f"no {what} is called {name!r}", remedy=f"choose one of {', '.join(known)}"
        )


def _check_number(what: str, number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise UsageError(f"{what} is {number}", remedy=f"it must be from {low:,} to {high:,}")
