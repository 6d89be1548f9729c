"""The OpenAPI 3.1 document of what is served."""

from __future__ import annotations

from collections.abc import Sequence

from mitame import __version__
from mitame.serving.documenting.operations import operation, types_of
from mitame.serving.documenting.schemas import Schema, Schemas
from mitame.serving.routes import Route
from mitame.wire.base import Problem

TAGS = {
    "collections": "Collections as a whole.",
    "items": "What is searched: pictures with a category and attributes.",
    "queries": "What looks like this?",
    "feedback": "What users did with answers.",
    "generations": "Snapshots: listed, switched to, rolled back to.",
    "jobs": "Long work, and how far it is.",
    "embedding": "Pictures to vectors.",
    "health": "For those who watch the service. No key is needed.",
    "compatible": "For clients of mruby_annoy.",
    "gannoy": "For clients of gannoy.",
    "page": "The page, for people. Its files need no key; what it shows does.",
    "document": "This document.",
}
_ABOUT = (
    "Image similarity search that one runs oneself. Errors are problem+json (RFC 9457): "
    "`code` is stable, `detail` says what to do."
)
_TAG = r'^(\*|(W/)?"[!#-~]{1,100}")$'


def document(routes: Sequence[Route]) -> Schema:
    """The document of these routes."""
    schemas = Schemas([Problem, *(kind for route in routes for kind in types_of(route))])
    _name_queries(schemas)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schemas)
    used = {route.tag for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {"title": "mitame", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"api-key": []}],
        "tags": [
            {"name": name, "description": text} for name, text in TAGS.items() if name in used
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api-key": {"type": "apiKey", "in": "header", "name": "api-key"},
            },
        },
    }


def _name_queries(schemas: Schemas) -> None:
    """A batch's questions are read one by one, so their type does not say what they are."""
    batch = schemas.components.get("QueryBatch")
    if batch is not None:
        batch["properties"]["queries"]["items"] = {"$ref": "#/components/schemas/QueryBody"}


def _header(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "description": text, "schema": schema}


_PARAMETERS: dict[str, Schema] = {
    "If-Match": _header(
        "If-Match",
        "Only where the item's ETag is still this one; else 412.",
        {"type": "string", "pattern": _TAG},
    ),
    "If-None-Match": _header(
        "If-None-Match",
        "With GET: 304 where the ETag is this one. With a write: `*` never replaces.",
        {"type": "string", "pattern": _TAG},
    ),
    "Idempotency-Key": _header(
        "Idempotency-Key",
        "A request that is sent again with its key gets the first answer again, for 24 hours.",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
    ),
}
_HEADERS: dict[str, Schema] = {
    "ETag": {"description": "Changes with what is answered.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds after which it may work.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
