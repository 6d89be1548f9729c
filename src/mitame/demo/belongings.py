"""Shapes of things to wear, carry and play with: parts from back to front."""

from __future__ import annotations

from mitame.demo.outlines import (
    Part,
    Vary,
    box,
    curve,
    ellipse,
    mirrored,
    path,
    polygon,
    ring,
    stroke,
)


def shirt(vary: Vary) -> list[Part]:
    """A T-shirt laid flat."""
    half, hem, sleeve = vary(0.18, 0.21), vary(0.8, 0.86), vary(0.37, 0.44)
    right = polygon(
        (0.58, 0.16), (0.5 + half, 0.2), (0.9, sleeve), (0.8, sleeve + 0.09), (0.5 + half, 0.38)
    )
    body = polygon(
        (0.42, 0.16),
        (0.58, 0.16),
        (0.5 + half, 0.2),
        (0.5 + half, 0.4),
        (0.51 + half, hem),
        (0.49 - half, hem),
        (0.5 - half, 0.4),
        (0.5 - half, 0.2),
    )
    return [
        Part(ellipse(0.5, 0.165, 0.085, 0.045), "deep", "flat"),
        Part(right, light="down"),
        Part(mirrored(right), light="down"),
        Part(body),
        Part(ellipse(0.5, 0.155, 0.085, 0.06, (0, 180)), "deep", "flat"),
        Part(stroke(ellipse(0.5, 0.155, 0.088, 0.066, (0, 180)), 0.02), "plain", "flat"),
    ]


def dress(vary: Vary) -> list[Part]:
    """A sleeveless dress with a belt."""
    waist, flare, hem = vary(0.1, 0.125), vary(0.24, 0.31), vary(0.8, 0.88)
    bodice = polygon(
        (0.38, 0.12),
        (0.43, 0.12),
        (0.5, 0.22),
        (0.57, 0.12),
        (0.62, 0.12),
        (0.64, 0.26),
        (0.5 + waist, 0.42),
        (0.5 - waist, 0.42),
        (0.36, 0.26),
    )
    skirt = curve(
        (0.5 - waist, 0.42),
        (0.5 + waist, 0.42),
        (0.5 + flare * 0.7, 0.62),
        (0.5 + flare, hem),
        (0.5, hem + 0.03),
        (0.5 - flare, hem),
        (0.5 - flare * 0.7, 0.62),
    )
    fold = path((0.5, 0.46), (0.49, 0.62), (0.47, hem))
    return [
        Part(skirt),
        Part(stroke(fold, 0.006, 0.03), "deep", "flat", 0.25),
        Part(stroke(mirrored(fold, 0.54), 0.006, 0.03), "deep", "flat", 0.25),
        Part(bodice),
        Part(box(0.495 - waist, 0.405, 0.505 + waist, 0.445, 0.012), "deep"),
    ]


def shoe(vary: Vary) -> list[Part]:
    """A trainer from the side, its toe to the right."""
    collar, toe = vary(0.36, 0.44), vary(0.86, 0.91)
    upper = curve(
        (0.12, collar),
        (0.22, collar + 0.04),
        (0.36, collar - 0.01),
        (0.5, 0.52),
        (0.7, 0.6),
        (toe - 0.02, 0.66),
        (toe, 0.74),
        (0.6, 0.76),
        (0.3, 0.76),
        (0.12, 0.74),
        (0.11, 0.6),
    )
    laces = [
        Part(stroke(polygon((x, y), (x + 0.07, y - 0.055)), 0.02), "paper", "flat")
        for x, y in ((0.36, 0.52), (0.42, 0.555), (0.48, 0.59), (0.54, 0.615))
    ]
    return [
        Part(upper, light="down"),
        Part(curve((0.7, 0.62), (toe - 0.02, 0.66), (toe, 0.75), (0.72, 0.75)), "deep", "down"),
        Part(curve((0.12, 0.52), (0.2, 0.56), (0.22, 0.74), (0.12, 0.74)), "deep", "down"),
        *laces,
        Part(box(0.1, 0.73, toe + 0.015, 0.8, 0.03), "paper", "down"),
        Part(box(0.1, 0.775, toe + 0.005, 0.805, 0.012), "dark", "flat"),
    ]


def hat(vary: Vary) -> list[Part]:
    """A hat with a brim and a band."""
    crown, wide, top = vary(0.19, 0.23), vary(0.37, 0.42), vary(0.24, 0.32)
    dome = curve(
        (0.5 - crown, 0.64),
        (0.5 - crown * 0.95, top + 0.08),
        (0.5 - crown * 0.5, top),
        (0.5, top + 0.025),
        (0.5 + crown * 0.5, top),
        (0.5 + crown * 0.95, top + 0.08),
        (0.5 + crown, 0.64),
        (0.5, 0.69),
    )
    band = polygon(
        (0.5 - crown, 0.54), (0.5 + crown, 0.54), (0.51 + crown, 0.63), (0.49 - crown, 0.63)
    )
    return [
        Part(ellipse(0.5, 0.655, wide, 0.105), "deep", "down"),
        Part(ellipse(0.5, 0.64, wide, 0.1), "plain", "down"),
        Part(ellipse(0.5, 0.645, crown + 0.025, 0.06), "deep", "flat", 0.5),
        Part(dome),
        Part(band, "dark"),
    ]


def bag(vary: Vary) -> list[Part]:
    """A handbag with a flap and a clasp."""
    half, top, flap = vary(0.26, 0.33), vary(0.42, 0.48), vary(0.12, 0.18)
    strap = ellipse(0.5, top + 0.02, half * 0.6, vary(0.22, 0.3), (180, 360))
    body = curve(
        (0.53 - half, top),
        (0.47 + half, top),
        (0.52 + half, 0.84),
        (0.5, 0.86),
        (0.48 - half, 0.84),
    )
    lid = curve(
        (0.53 - half, top - 0.01),
        (0.47 + half, top - 0.01),
        (0.49 + half, top + flap),
        (0.5, top + flap + 0.06),
        (0.51 - half, top + flap),
    )
    return [
        Part(stroke(strap, 0.035), "deep"),
        Part(body),
        Part(lid, "plain", "down"),
        Part(box(0.465, top + flap, 0.535, top + flap + 0.075, 0.015), "metal", "down"),
    ]


def backpack(vary: Vary) -> list[Part]:
    """A rucksack with a front pocket."""
    half, top = vary(0.21, 0.26), vary(0.18, 0.24)
    pocket = half * 0.78
    return [
        Part(ring(0.5, top + 0.01, 0.075, 0.085, 0.026), "deep"),
        Part(box(0.46 - half, 0.52, 0.54 + half, 0.82, 0.05), "deep"),
        Part(box(0.5 - half, top, 0.5 + half, 0.87, 0.13)),
        Part(
            stroke(path((0.5 - half + 0.03, 0.4), (0.5, 0.3), (0.47 + half, 0.4)), 0.014),
            "dark",
            "flat",
        ),
        Part(box(0.5 - pocket, 0.54, 0.5 + pocket, 0.83, 0.05), "plain", "down"),
        Part(box(0.53 - pocket, 0.585, 0.47 + pocket, 0.6, 0.007), "metal", "flat"),
        Part(box(0.49, 0.59, 0.51, 0.65, 0.008), "metal", "flat"),
    ]


def umbrella(vary: Vary) -> list[Part]:
    """An open umbrella with a hooked handle."""
    wide, top = vary(0.36, 0.41), vary(0.14, 0.2)
    dome = ellipse(0.5, 0.48, wide, 0.48 - top, (180, 360))
    scallops = [
        ellipse(0.5 - wide + wide * (2 * i + 1) / 5, 0.48, wide / 5, 0.045, (360, 180), steps=10)
        for i in reversed(range(5))
    ]
    edge = [(float(x), float(y)) for arc in scallops for x, y in arc]
    cover = polygon(*[(float(x), float(y)) for x, y in dome], *edge)
    ribs = [
        stroke(path((0.5, top), (0.5 + bend * 0.75, 0.3), (0.5 + bend, 0.475)), 0.008)
        for bend in (-wide * 0.6, -wide * 0.2, wide * 0.2, wide * 0.6)
    ]
    hook = path((0.5, 0.72), (0.5, 0.82), (0.54, 0.88), (0.59, 0.86), (0.6, 0.81))
    return [
        Part(stroke(polygon((0.5, top - 0.05), (0.5, 0.76)), 0.018), "metal", "flat"),
        Part(stroke(hook, 0.034), "wood", "flat"),
        Part(cover),
        *[Part(rib, "deep", "flat", 0.5) for rib in ribs],
    ]


def guitar(vary: Vary) -> list[Part]:
    """An acoustic guitar, upright."""
    lower, upper = vary(0.19, 0.22), vary(0.14, 0.165)
    body = curve(
        (0.44, 0.47),
        (0.56, 0.47),
        (0.5 + upper, 0.55),
        (0.48 + upper, 0.64),
        (0.5 + lower, 0.78),
        (0.6, 0.89),
        (0.4, 0.89),
        (0.5 - lower, 0.78),
        (0.52 - upper, 0.64),
        (0.5 - upper, 0.55),
    )
    strings = [
        Part(
            polygon((x, 0.14), (x + 0.004, 0.14), (x + 0.004, 0.79), (x, 0.79)),
            "paper",
            "flat",
            0.7,
        )
        for x in (0.482, 0.494, 0.506, 0.518)
    ]
    return [
        Part(body),
        Part(ellipse(0.5, 0.655, 0.068, 0.068), "wood", "flat"),
        Part(ellipse(0.5, 0.655, 0.056, 0.056), "dark", "flat"),
        Part(box(0.472, 0.18, 0.528, 0.6), "wood"),
        Part(polygon((0.455, 0.06), (0.545, 0.06), (0.53, 0.2), (0.47, 0.2)), "dark"),
        Part(box(0.42, 0.785, 0.58, 0.815, 0.01), "dark", "down"),
        *strings,
    ]


def glasses(vary: Vary) -> list[Part]:
    """Sunglasses from the front."""
    rx, ry, gap = vary(0.14, 0.165), vary(0.1, 0.145), vary(0.025, 0.04)
    left, right = 0.5 - gap - rx, 0.5 + gap + rx
    lenses = [Part(ellipse(x, 0.5, rx - 0.01, ry - 0.01), "dark", "round") for x in (left, right)]
    glints = [
        Part(ellipse(x - 0.04, 0.46, 0.035, 0.02), "paper", "flat", 0.45) for x in (left, right)
    ]
    arm = stroke(path((right + rx - 0.02, 0.45), (0.9, 0.4), (0.94, 0.5)), 0.026, 0.016)
    bridge = stroke(path((0.49 - gap, 0.48), (0.5, 0.45), (0.51 + gap, 0.48)), 0.026)
    return [
        Part(arm, "deep", "flat"),
        Part(mirrored(arm), "deep", "flat"),
        *lenses,
        *glints,
        Part(bridge, "plain", "flat"),
        *[Part(ring(x, 0.5, rx, ry, 0.03)) for x in (left, right)],
    ]


def ball(vary: Vary) -> list[Part]:
    """A beach ball with panels."""
    radius = vary(0.3, 0.35)
    y = 0.87 - radius
    return [
        Part(ellipse(0.5, y, radius, radius), light="flat"),
        Part(ellipse(0.5, y, radius * 0.42, radius), "paper", "flat"),
        Part(ellipse(0.5, y, radius * 0.16, radius), "deep", "flat"),
        Part(ellipse(0.5, y, radius, radius), "metal", "round", 0.35),
        Part(ellipse(0.5, y - radius * 0.93, radius * 0.16, 0.02), "paper", "flat"),
    ]


def sock(vary: Vary) -> list[Part]:
    """A sock with a ribbed cuff, its toe to the right."""
    half, toe = vary(0.1, 0.125), vary(0.74, 0.82)
    leg = curve(
        (0.4 - half, 0.18),
        (0.4 + half, 0.18),
        (0.41 + half, 0.5),
        (0.48 + half, 0.62),
        (toe - 0.06, 0.66),
        (toe, 0.76),
        (toe - 0.08, 0.85),
        (0.45, 0.85),
        (0.36 - half, 0.76),
        (0.39 - half, 0.5),
    )
    return [
        Part(leg),
        Part(curve((toe - 0.1, 0.66), (toe, 0.75), (toe - 0.08, 0.85), (toe - 0.14, 0.76)), "deep"),
        Part(curve((0.38 - half, 0.66), (0.42, 0.74), (0.42, 0.85), (0.36 - half, 0.77)), "deep"),
        Part(box(0.385 - half, 0.13, 0.415 + half, 0.25, 0.02), "deep"),
    ]
