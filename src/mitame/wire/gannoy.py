"""Bodies and questions in gannoy's form: unlike elsewhere, fields that are not known pass."""

from __future__ import annotations

import msgspec


class Features(msgspec.Struct):
    """What a PUT sends.

    Attributes:
        features: the database's dimension of numbers.
    """

    features: list[float] | None = None


class FeaturesWithKey(Features):
    """What a POST sends.

    Attributes:
        key: 0 where it is missing.
    """

    key: int = 0


class Search(msgspec.Struct):
    """The query string of a search.

    Attributes:
        database: its name.
        key: whose neighbours; -1 where it is no integer.
        id: another name of the key.
        limit: at most so many; 10 where it is no integer, all below 0.
    """

    database: str = ""
    key: int = -1
    id: int = -1
    limit: int = 10


Keys = list[int]
Names = list[str]
