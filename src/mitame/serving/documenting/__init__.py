"""The OpenAPI document: schemas of types, operations of routes, and a page to read them on."""

from __future__ import annotations
