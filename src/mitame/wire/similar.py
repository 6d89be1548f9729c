"""The query string of a product-page question."""

from __future__ import annotations

import msgspec

from mitame.wire.base import Limit, Reply


class SimilarFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How it is to be answered.

    Attributes:
        limit: at most so many neighbours.
        category: only items of this category.
        filter: only items that pass, such as ``price<5000,sold_out!=true``.
        lens: which way of being alike; the collection's first one where left out.
        cursor: of an earlier answer to the same question: what comes after it.
        score_threshold: only items with at least this score.
    """

    limit: Limit = 10
    category: str | None = None
    filter: str | None = None
    lens: str | None = None
    cursor: str | None = None
    score_threshold: float | None = None


class NnsFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """mruby_annoy's question.

    Attributes:
        category_id: name of a collection, or a category in the usual one.
        product_id: the item.
        limit: at most so many ids.
    """

    category_id: str = ""
    product_id: str = ""
    limit: Limit = 10


class NnsNotFound(Reply):
    """mruby_annoy's answer where there is no such item.

    Attributes:
        error: always ``not_found``.
    """

    error: str
