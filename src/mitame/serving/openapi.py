"""The OpenAPI 3.1 document, made from the routes and their types."""

from __future__ import annotations

from collections.abc import Sequence

from mitame.serving.routes import Route


def routes(served: Sequence[Route]) -> tuple[Route, ...]:
    """``/openapi.json`` and ``/docs`` about what is served."""
    return ()
