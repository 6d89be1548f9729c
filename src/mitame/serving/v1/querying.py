"""querying."""

from __future__ import annotations

from mitame.serving.routes import Route

ROUTES: tuple[Route, ...] = ()
