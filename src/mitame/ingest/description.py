"""What an item is besides its pictures: category and attributes, as its source describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mitame.collection import Patch, check_attributes
from mitame.ingest.known import Unit


def described(unit: Unit) -> tuple[str | None, Mapping[str, object]]:
    """Category and attributes: what the source says, else what the item has already.

    A row that names its item says all: an emptied cell is empty.
    """
    first, item = unit.candidates[0], unit.item
    if first.named:
        return first.category, first.attributes
    category = first.category
    if category is None and item is not None:
        category = item.category
    attributes = first.attributes or (item.attributes if item is not None else {})
    return category, attributes


def patches(unit: Unit) -> tuple[Patch, ...]:
    """The change that brings category and attributes in line with the source, if one is needed."""
    first, item = unit.candidates[0], unit.item
    category, attributes = described(unit)
    if item is not None and (category, dict(attributes)) == (item.category, dict(item.attributes)):
        return ()
    if item is None and first.category is None and not first.attributes:
        return ()
    fields: dict[str, Any] = {}
    if first.named or first.category is not None:
        fields["category"] = category
    if first.named or first.attributes:
        fields["attributes"] = check_attributes(attributes)
    return (Patch(unit.id, **fields),)
