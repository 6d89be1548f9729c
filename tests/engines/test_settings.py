"""Settings of a build: what is filled in, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mitame.engines.settings import Allowed, Nested, Range, Word, read, usable_cores
from mitame.errors import UsageError

OWN: Mapping[str, Allowed] = {
    "size": Range(4, 1, 9),
    "kind": Word("plain", ("plain", "fancy")),
    "name": Word("any"),
    "inner_settings": Nested(),
}


def test_defaults_are_filled_in() -> None:
    """Common ones and own ones; no threads means all cores."""
    common, own = read("toy", {}, OWN)
    assert own == {"size": 4, "kind": "plain", "name": "any", "inner_settings": {}}
    assert (common.seed, common.threads, common.trusted) == (0, usable_cores(), False)


def test_what_is_given_is_kept() -> None:
    """Numbers, words, and settings within settings."""
    given = {"size": 9, "kind": "fancy", "name": "x" * 40, "inner_settings": {"a": {"b": [1]}}}
    common, own = read("toy", {**given, "seed": 3, "threads": 2, "trusted": True}, OWN)
    assert own == given
    assert (common.seed, common.threads, common.trusted) == (3, 2, True)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"size": 0}, "size"),
        ({"size": "four"}, "size"),
        ({"size": 4.0}, "size"),
        ({"kind": "other"}, "kind"),
        ({"kind": 3}, "kind"),
        ({"name": ""}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"inner_settings": [1]}, "inner_settings"),
        ({"inner_settings": {2: 1}}, "inner_settings"),
        ({"inner_settings": {"a": {"a": {"a": {"a": {"a": 1}}}}}}, "inner_settings"),
    ],
)
def test_what_can_not_be_is_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    """Unknown, out of range, of another type, or nested without end."""
    with pytest.raises(UsageError, match=named):
        read("toy", wrong, OWN)


def test_endless_nesting_is_refused_quickly() -> None:
    """Settings that hold themselves are looked into as deep as is allowed, and no deeper."""
    endless: dict[str, Any] = {}
    endless["again"] = endless
    with pytest.raises(UsageError, match="deep"):
        read("toy", {"inner_settings": endless}, OWN)
