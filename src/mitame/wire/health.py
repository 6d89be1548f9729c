"""Bodies about the service itself."""

from __future__ import annotations

import msgspec

from mitame.wire.base import Reply


class Health(Reply):
    """Whether it lives, or can answer.

    Attributes:
        status: ``ok`` or ``not ready``.
        reason: why it is not ready.
    """

    status: str
    reason: str | msgspec.UnsetType = msgspec.UNSET


class Version(Reply):
    """Which version this is."""

    version: str
