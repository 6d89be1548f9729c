"""Shapes of things that stand in a home: each function gives the parts from back to front."""

from __future__ import annotations

from mitame.demo.outlines import (
    Part,
    Vary,
    box,
    curve,
    drum,
    ellipse,
    path,
    polygon,
    ring,
    stroke,
    turned,
)


def mug(vary: Vary) -> list[Part]:
    """A mug with a handle on its right."""
    half, top = vary(0.18, 0.25), vary(0.24, 0.34)
    return [
        Part(ring(0.5 + half + 0.03, 0.56, 0.125, vary(0.13, 0.17), 0.045), "plain"),
        Part(drum(top, 0.83, half, half * vary(0.86, 1.0), 0.045, x=0.49)),
        Part(ellipse(0.49, top, half, 0.045), "pale", "down"),
        Part(ellipse(0.49, top + 0.008, half - 0.02, 0.033), "deep", "down"),
    ]


def teapot(vary: Vary) -> list[Part]:
    """A round pot with spout, handle and lid."""
    wide, tall = vary(0.22, 0.25), vary(0.19, 0.23)
    middle = 0.85 - tall
    spout = path((0.5 - wide * 0.8, middle + 0.08), (0.21, middle - 0.02), (0.13, middle - 0.17))
    return [
        Part(ring(0.5 + wide + 0.02, middle - 0.02, 0.12, 0.14, 0.04), "plain"),
        Part(stroke(spout, 0.11, 0.045), "plain"),
        Part(box(0.5 - wide * 0.6, 0.82, 0.5 + wide * 0.6, 0.87, 0.02), "deep"),
        Part(ellipse(0.5, middle, wide, tall), light="round"),
        Part(ellipse(0.5, middle - tall * 0.82, wide * 0.58, 0.05), "deep", "down"),
        Part(ellipse(0.5, middle - tall * 0.92, wide * 0.54, 0.055), "plain", "round"),
        Part(ellipse(0.5, middle - tall - 0.07, 0.036, 0.036), "pale", "round"),
    ]


def vase(vary: Vary) -> list[Part]:
    """A turned vase with three flowers."""
    belly, neck = vary(0.15, 0.21), vary(0.06, 0.1)
    rim = neck + vary(0.01, 0.05)
    profile = ((rim, 0.44), (neck, 0.52), (belly, 0.68), (belly * 0.62, 0.87), (0.0, 0.885))
    blooms = [(0.36, vary(0.18, 0.26)), (0.5, vary(0.12, 0.2)), (0.65, vary(0.18, 0.28))]
    stems = [Part(stroke(path((0.5, 0.5), (x, y)), 0.014), "wood", "flat") for x, y in blooms]
    heads = [petal for x, y in blooms for petal in _petals(x, y, vary(0, 72))]
    hearts = [Part(ellipse(x, y, 0.022, 0.022), "wood", "round") for x, y in blooms]
    return [*stems, *heads, *hearts, Part(turned(*profile)), _mouth(0.44, rim)]


def bottle(vary: Vary) -> list[Part]:
    """A bottle with a paper label."""
    half, shoulder = vary(0.1, 0.14), vary(0.38, 0.46)
    profile = (
        (0.042, 0.14),
        (0.042, 0.27),
        (half * 0.8, shoulder - 0.03),
        (half, shoulder + 0.06),
        (half, 0.7),
        (half, 0.86),
        (half * 0.9, 0.885),
    )
    return [
        Part(turned(*profile), "plain"),
        Part(box(0.455, 0.09, 0.545, 0.17, 0.015), "dark"),
        Part(box(0.5 - half, shoulder + 0.12, 0.5 + half, 0.78), "paper"),
        Part(box(0.5 - half, shoulder + 0.16, 0.5 + half, 0.74)),
        Part(box(0.5 - half * 0.7, shoulder, 0.5 - half * 0.45, 0.86, 0.02), "paper", "flat", 0.3),
    ]


def lamp(vary: Vary) -> list[Part]:
    """A table lamp with a fabric shade."""
    top, wide, foot = vary(0.1, 0.15), vary(0.22, 0.28), vary(0.45, 0.5)
    base = ((0.02, foot), (0.03, 0.55), (vary(0.07, 0.11), 0.7), (0.04, 0.82), (0.12, 0.87))
    return [
        Part(ellipse(0.5, 0.865, 0.14, 0.025), "deep", "down"),
        Part(turned(*base), "wood"),
        Part(drum(0.17, foot, top, wide, 0.03)),
        Part(ellipse(0.5, 0.17, top, 0.03), "pale", "down"),
    ]


def clock(vary: Vary) -> list[Part]:
    """A round wall clock."""
    radius, hour = vary(0.3, 0.35), vary(-2.0, 2.0)
    marks = ellipse(0.5, 0.5, radius - 0.085, radius - 0.085, (0, 330), steps=12)
    hand = ellipse(0.5, 0.5, 0.15, 0.15, (hour * 60 - 90,) * 2, steps=1)[0]
    return [
        Part(ellipse(0.5, 0.5, radius, radius), light="round"),
        Part(ellipse(0.5, 0.5, radius - 0.05, radius - 0.05), "paper", "down"),
        *[Part(ellipse(x, y, 0.014, 0.014), "dark", "flat") for x, y in marks],
        Part(stroke(polygon((0.5, 0.5), (hand[0], hand[1])), 0.026), "dark", "flat"),
        Part(stroke(polygon((0.5, 0.54), (0.5, 0.72 - radius)), 0.016), "dark", "flat"),
        Part(ellipse(0.5, 0.5, 0.024, 0.024), "plain", "round"),
    ]


def chair(vary: Vary) -> list[Part]:
    """An upholstered chair with four wooden legs, seen from the front."""
    half, seat, top = vary(0.18, 0.22), vary(0.52, 0.58), vary(0.12, 0.2)
    legs = [
        Part(stroke(polygon((x, seat), (x + lean, foot)), 0.034, 0.022), "wood", "flat")
        for x, lean, foot in (
            (0.5 - half * 0.7, -0.01, 0.8),
            (0.5 + half * 0.7, 0.01, 0.8),
            (0.5 - half, -0.035, 0.9),
            (0.5 + half, 0.035, 0.9),
        )
    ]
    return [
        *legs[:2],
        Part(box(0.5 - half * 0.92, top, 0.5 + half * 0.92, seat, vary(0.03, 0.09))),
        *legs[2:],
        Part(box(0.47 - half, seat - 0.05, 0.53 + half, seat + 0.06, 0.035), light="down"),
        Part(box(0.47 - half, seat + 0.03, 0.53 + half, seat + 0.065, 0.015), "deep", "down"),
    ]


def sofa(vary: Vary) -> list[Part]:
    """A two-seater with arms and short legs."""
    back, arm = vary(0.3, 0.38), vary(0.07, 0.1)
    legs = [Part(box(x, 0.76, x + 0.035, 0.84), "wood", "flat") for x in (0.13, 0.835)]
    cushions = [Part(box(x, 0.54, x + 0.345, 0.66, 0.03), light="down") for x in (0.155, 0.5)]
    arms = [Part(box(x, 0.48, x + arm, 0.78, 0.04), "plain") for x in (0.08, 0.92 - arm)]
    return [
        *legs,
        Part(box(0.12, back, 0.88, 0.7, 0.06), light="down"),
        Part(box(0.1, 0.62, 0.9, 0.78, 0.03), "deep", "down"),
        *cushions,
        Part(box(0.497, 0.555, 0.503, 0.655), "deep", "flat", 0.5),
        Part(box(0.17, 0.535, 0.83, 0.545), "deep", "flat", 0.35),
        *arms,
    ]


def table(vary: Vary) -> list[Part]:
    """A wooden table with a cloth that hangs over its edge."""
    half, top, hang = vary(0.34, 0.39), vary(0.38, 0.46), vary(0.08, 0.15)
    cloth = curve(
        (0.5 - half, top),
        (0.5 + half, top),
        (0.5 + half + 0.01, top + hang),
        (0.5 + half * 0.5, top + hang * 0.8),
        (0.5, top + hang),
        (0.5 - half * 0.5, top + hang * 0.8),
        (0.49 - half, top + hang),
    )
    legs = [
        Part(stroke(polygon((x, top), (x, foot)), 0.045, 0.03), "wood", "across")
        for x, foot in (
            (0.58 - half, 0.8),
            (0.42 + half, 0.8),
            (0.53 - half, 0.88),
            (0.47 + half, 0.88),
        )
    ]
    board = polygon(
        (0.56 - half, top - 0.1), (0.44 + half, top - 0.1), (0.5 + half, top), (0.5 - half, top)
    )
    return [*legs, Part(cloth, light="down"), Part(board, "pale", "down")]


def _mouth(y: float, half: float) -> Part:
    return Part(ellipse(0.5, y + 0.004, half, 0.02), "deep", "down")


def _petals(x: float, y: float, turn: float) -> list[Part]:
    """Five petals around (x, y), the first `turn` degrees from the right."""
    middles = ellipse(x, y, 0.042, 0.042, (turn, turn + 288), steps=5)
    return [Part(ellipse(px, py, 0.033, 0.033, steps=20), "pale", "flat") for px, py in middles]
