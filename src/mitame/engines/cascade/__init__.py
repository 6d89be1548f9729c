"""The cascade: short codes of few coordinates first, whole rows last; our own engine.

An orthogonal rotation puts most of the energy into the leading coordinates, so a few of them in a
few bits are an excellent filter. See ARCHITECTURE.md for the stages and ``native/cascade.h`` for
the layout in memory.
"""

from mitame.engines.cascade.engine import CascadeEngine

__all__ = ["CascadeEngine"]
