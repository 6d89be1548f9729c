"""All routes, by room. A new one is a value in its room's ROUTES."""

from __future__ import annotations

from mitame.config import ServeConfig
from mitame.serving import openapi
from mitame.serving.gannoy import routes as gannoy
from mitame.serving.page import component
from mitame.serving.page import routes as page
from mitame.serving.product import nns
from mitame.serving.routes import Route
from mitame.serving.seeing import health
from mitame.serving.v1 import (
    bad_files,
    batches,
    browsing,
    collections,
    comparing,
    comparisons,
    decisions,
    duplicates,
    embed,
    evaluations,
    feedback,
    generations,
    items,
    jobs,
    listing,
    maps,
    querying,
    similar,
    thumbnails,
    tunings,
)

V1: tuple[Route, ...] = (
    *collections.ROUTES,
    *similar.ROUTES,
    *items.ROUTES,
    *thumbnails.ROUTES,
    *batches.ROUTES,
    *listing.ROUTES,
    *browsing.ROUTES,
    *querying.ROUTES,
    *comparing.ROUTES,
    *duplicates.ROUTES,
    *decisions.ROUTES,
    *maps.ROUTES,
    *feedback.ROUTES,
    *comparisons.ROUTES,
    *generations.ROUTES,
    *jobs.ROUTES,
    *tunings.ROUTES,
    *evaluations.ROUTES,
    *bad_files.ROUTES,
    *embed.ROUTES,
)


def routes_of(config: ServeConfig) -> tuple[Route, ...]:
    """What a configuration serves."""
    own = (*V1, *health.ROUTES, *nns.ROUTES, *component.ROUTES)
    shown = page.ROUTES if config.page else ()
    extra = gannoy.ROUTES if config.gannoy else ()
    return (*extra, *own, *shown, *openapi.routes((*own, *shown, *extra)))
