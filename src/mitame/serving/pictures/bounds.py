"""The configured bounds on pictures."""

from __future__ import annotations

from mitame.config import MB, LimitsConfig
from mitame.images.limits import ImageLimits


def picture_limits(limits: LimitsConfig) -> ImageLimits:
    """What is refused of a picture that a caller sends or names."""
    return ImageLimits(int(limits.body_mb * MB), limits.pixels)
