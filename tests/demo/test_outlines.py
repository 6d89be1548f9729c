"""Laws of the outlines and patterns that shapes are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mitame.demo.outlines import (
    Points,
    box,
    curve,
    drum,
    ellipse,
    mirrored,
    path,
    ring,
    stroke,
    turned,
)
from mitame.demo.patterns import PATTERNS, pattern_outlines

lengths = st.floats(0.05, 0.3)
places = st.floats(0.2, 0.8)
knots = st.lists(st.tuples(places, places), min_size=3, max_size=6, unique=True)


def _filled(*outlines: Points) -> np.ndarray:
    image = Image.new("L", (200, 200))
    for outline in outlines:
        ImageDraw.Draw(image).polygon((outline * 200).ravel().tolist(), fill=1)
    return np.asarray(image)


@given(places, places, lengths, lengths)
def test_an_ellipse_keeps_its_distance(x: float, y: float, rx: float, ry: float) -> None:
    """Every point satisfies the ellipse's equation."""
    points = (ellipse(x, y, rx, ry) - [x, y]) / [rx, ry]
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)


@given(lengths, lengths, st.floats(0, 0.02))
def test_a_box_fills_its_rectangle(width: float, height: float, radius: float) -> None:
    """Round corners or not, it reaches all four sides and no further."""
    points = box(0.2, 0.3, 0.2 + width, 0.3 + height, radius)
    np.testing.assert_allclose(points.min(axis=0), [0.2, 0.3], atol=1e-12)
    np.testing.assert_allclose(points.max(axis=0), [0.2 + width, 0.3 + height], atol=1e-12)


def test_a_ring_has_a_hole() -> None:
    """Its middle is empty, its band is filled, and the band has the width asked for."""
    filled = _filled(ring(0.5, 0.5, 0.4, 0.4, 0.1))
    assert filled[100, 100] == 0
    assert filled[100, 30] == filled[30, 100] == 1
    assert filled.sum() / 200**2 == pytest.approx(np.pi * (0.4**2 - 0.3**2), rel=0.05)


@given(knots)
def test_a_curve_goes_through_its_knots(through: list[tuple[float, float]]) -> None:
    """Closed and open splines alike pass each knot."""
    for line in (curve(*through), path(*through)):
        for knot in through:
            assert np.linalg.norm(line - knot, axis=1).min() < 1e-9


@given(st.floats(0.01, 0.1), st.floats(0.2, 0.5))
def test_a_stroke_has_its_width(width: float, length: float) -> None:
    """A straight stroke is a bar with round ends: no point is further than half its width."""
    line = np.stack([np.linspace(0.2, 0.2 + length, 9), np.full(9, 0.5)], axis=1)
    outline = stroke(line, width)
    assert np.ptp(outline[:, 1]) == pytest.approx(width)
    assert np.ptp(outline[:, 0]) == pytest.approx(length + width, rel=0.05)


@given(st.lists(st.tuples(lengths, places), min_size=2, max_size=5))
def test_a_turned_body_is_symmetric(profile: list[tuple[float, float]]) -> None:
    """Mirroring it gives the same points; mirroring twice gives the outline back."""
    body = turned(*profile)
    apart = np.linalg.norm(mirrored(body)[:, None] - body[None], axis=2)
    assert apart.min(axis=0).max() < 1e-9
    assert apart.min(axis=1).max() < 1e-9
    np.testing.assert_allclose(mirrored(mirrored(body, 0.3), 0.3), body)


def test_a_drum_spans_its_arcs() -> None:
    """It is as wide as its wider end and as tall as its sides and both arcs."""
    body = drum(0.2, 0.7, 0.1, 0.3, 0.05)
    np.testing.assert_allclose(body.min(axis=0), [0.2, 0.15], atol=1e-3)
    np.testing.assert_allclose(body.max(axis=0), [0.8, 0.75], atol=1e-3)


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name != "plain"])
@pytest.mark.parametrize("spacing", [0.05, 0.12])
def test_a_pattern_covers_part_of_the_square(pattern: str, spacing: float) -> None:
    """Enough to be seen, not so much that the ground is gone, in each quarter alike."""
    filled = _filled(*pattern_outlines(pattern, spacing))
    quarters = [filled[y : y + 100, x : x + 100].mean() for y in (0, 100) for x in (0, 100)]
    assert min(quarters) > 0.15
    assert max(quarters) < 0.75


def test_plain_has_no_figures() -> None:
    """Plain cloth stays plain."""
    assert len(pattern_outlines("plain", 0.1)) == 0
