"""Filters: how they are read, what they mean, and where reading stops."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.errors import InvalidFilter
from mitame.filters import Condition, Filter, Match, Range, Scalar, from_json, parse

KEYS = st.sampled_from(["category", "price", "tags", "sold_out"]) | st.text(min_size=1, max_size=6)
VALUES: st.SearchStrategy[Scalar] = st.one_of(
    st.text(max_size=6),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
BOUNDS = st.one_of(st.text(max_size=6), st.integers(), st.floats(-1e9, 1e9))


def _range(bounds: dict[str, str | int | float]) -> tuple[tuple[str, str | int | float], ...]:
    return tuple((name, bounds[name]) for name in ("lt", "lte", "gt", "gte") if name in bounds)


CONDITIONS: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Match, KEYS, st.lists(VALUES, min_size=1, max_size=4).map(tuple)),
    st.builds(
        Range,
        KEYS,
        st.dictionaries(st.sampled_from(["lt", "lte", "gt", "gte"]), BOUNDS, min_size=1).map(
            _range
        ),
    ),
)
FILTERS = st.builds(
    Filter,
    st.lists(CONDITIONS, max_size=4).map(tuple),
    st.lists(CONDITIONS, max_size=4).map(tuple),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("category=mug", Filter((Match("category", ("mug",)),))),
        ("a=1", Filter((Match("a", (1,)),))),
        ("a=-1.5e2", Filter((Match("a", (-150.0,)),))),
        ("a=007", Filter((Match("a", ("007",)),))),
        ("a=null|true|x", Filter((Match("a", (None, True, "x")),))),
        ("a!=b|c", Filter((), (Match("a", ("b", "c")),))),
        ("a<5", Filter((Range("a", (("lt", 5),)),))),
        ("a<=5,b>x", Filter((Range("a", (("lte", 5),)), Range("b", (("gt", "x"),))))),
        ("a>=2026-01-31", Filter((Range("a", (("gte", "2026-01-31"),)),))),
        (' a b = two words , c="5" ', Filter((Match("a b", ("two words",)), Match("c", ("5",))))),
        ('a="x,y|z"', Filter((Match("a", ("x,y|z",)),))),
        ('a="say \\"hi\\" \\\\"', Filter((Match("a", ('say "hi" \\',)),))),
        ("a=x\\,y\\|z\\ ", Filter((Match("a", ("x,y|z ",)),))),
        ("a=\\5", Filter((Match("a", ("5",)),))),
        ('"a=b"=c', Filter((Match("a=b", ("c",)),))),
        ('a=""', Filter((Match("a", ("",)),))),
        ("a=b=c<d", Filter((Match("a", ("b=c<d",)),))),
        ("値段<500", Filter((Range("値段", (("lt", 500),)),))),
    ],
)
def test_text_is_read(text: str, expected: Filter) -> None:
    """Operators, types, quotes, escapes, spaces and any script."""
    found = parse(text)
    assert found == expected
    assert repr(found) == repr(expected)  # as 1 == True == 1.0


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "at the end"),
        ("category", "character 9|at the end"),
        ("=mug", "character 1,"),
        ("a=", "at the end"),
        ("a=1,", "at the end"),
        ("a=1,,b=2", "character 5,"),
        ("a=|x", "character 3,"),
        ('a="open', "character 3,"),
        ('a="x"y', "character 6,"),
        ('"a"b=1', "character 4,"),
        ("a<1|2", "character 3,"),
        ("a<true", "character 3,"),
        ("a>null", "character 3,"),
        ("a=1e999", "character 3,"),
        ("a=x\\", "character 4,"),
        ("a,b=1", "character 2,"),
        ("a|b=1", "character 2,"),
        ("k" * 201 + "=1", "character 1,"),
        ("a=" + "v" * 1001, "character 3,"),
    ],
)
def test_text_that_cannot_be_read_is_refused_at_its_place(text: str, place: str) -> None:
    """The message says where, counting characters from 1."""
    with pytest.raises(InvalidFilter, match=place):
        parse(text)


@given(st.text(alphabet='ab=!<>|,"\\ 1.5etrunl', max_size=24) | st.text(max_size=24))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Law: no other exception; what is read survives its JSON."""
    try:
        found = parse(text)
    except InvalidFilter:
        return
    assert repr(from_json(json.loads(json.dumps(found.to_json())))) == repr(found)


@given(FILTERS)
def test_json_round_trip(where: Filter) -> None:
    """Law: a filter comes back from its JSON as it was, types included."""
    assert repr(from_json(json.loads(json.dumps(where.to_json())))) == repr(where)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "category=mug",
        {"should": []},
        {"must": {}},
        {"must": ["a"]},
        {"must": [{"key": "a"}]},
        {"must": [{"match": 1}]},
        {"must": [{"key": "a", "match": 1, "range": {"lt": 1}}]},
        {"must": [{"key": "", "match": 1}]},
        {"must": [{"key": 5, "match": 1}]},
        {"must": [{"key": "k" * 201, "match": 1}]},
        {"must": [{"key": "a", "match": []}]},
        {"must": [{"key": "a", "match": [[1]]}]},
        {"must": [{"key": "a", "match": {"b": 1}}]},
        {"must": [{"key": "a", "match": float("nan")}]},
        {"must": [{"key": "a", "match": "v" * 1001}]},
        {"must": [{"key": "a", "match": list(range(1001))}]},
        {"must": [{"key": "a", "range": {}}]},
        {"must": [{"key": "a", "range": {"less": 1}}]},
        {"must": [{"key": "a", "range": {"lt": True}}]},
        {"must": [{"key": "a", "range": {"lt": None}}]},
        {"must": [{"key": "a", "range": {"lt": [1]}}]},
        {"must": [{"key": "a", "range": {"lt": float("inf")}}]},
        {"must": [{"key": "a", "match": 1}] * 101},
    ],
)
def test_json_that_is_no_filter_is_refused(value: object) -> None:
    """Wrong shapes, types and sizes: a typed error."""
    with pytest.raises(InvalidFilter):
        from_json(value)


def test_limits_on_text() -> None:
    """Too long, or too many conditions."""
    with pytest.raises(InvalidFilter, match="4097 characters"):
        parse("a" * 4097)
    with pytest.raises(InvalidFilter, match="more than 100"):
        parse(",".join(["a=1"] * 101))


ITEM = {
    "price": 5,
    "ratio": 0.5,
    "name": "mug",
    "digits": "5",
    "sold_out": False,
    "note": None,
    "tags": ["red", "big"],
    "none": [],
    "category": "ignored",
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("category=cup", True),
        ("category=ignored", False),
        ("category=mug|cup", True),
        ("category!=cup", False),
        ("price=5", True),
        ("price=5.0", True),
        ('price="5"', False),
        ("digits=5", False),
        ('digits="5"', True),
        ("price<6,price>=5", True),
        ("price<5", False),
        ("digits<6", False),
        ("name>5", False),
        ("name<n", True),
        ("name<m", False),
        ("sold_out=false", True),
        ("sold_out=0", False),
        ("sold_out!=true", True),
        ("sold_out<1", False),
        ("note=null", True),
        ("missing=null", False),
        ("missing!=null", True),
        ("missing!=5", True),
        ("missing<5", False),
        ("tags=red", True),
        ("tags=blue|big", True),
        ("tags!=red", False),
        ("tags!=blue", True),
        ("tags<c", True),
        ("none=red", False),
        ("none!=red", True),
        ("ratio>=0.5,ratio<=0.5", True),
    ],
)
def test_meaning(text: str, passes: bool) -> None:
    """Types stay apart, a missing name fails must and passes must_not, any of a list's elements."""
    assert parse(text).matches("cup", ITEM) is passes


def test_meaning_of_one_and_true() -> None:
    """True is not 1, in values and in what is asked."""
    assert not parse("a=1").matches(None, {"a": True})
    assert not parse("a=true").matches(None, {"a": 1})
    assert parse("a=true").matches(None, {"a": True})


def test_a_range_holds_within_one_element() -> None:
    """Bounds of one range must be met by the same element of a list."""
    within = from_json({"must": [{"key": "a", "range": {"gt": "b", "lt": "d"}}]})
    assert within.matches(None, {"a": ["a", "c"]})
    assert not within.matches(None, {"a": ["a", "e"]})


def test_no_category_is_null() -> None:
    """An item without a category is found by category=null."""
    assert parse("category=null").matches(None, {})
    assert parse("category!=mug").matches(None, {})
    assert not parse("category!=null").matches(None, {})


def test_keys_are_the_names_asked_for() -> None:
    """Those of must and must_not."""
    assert parse("a=1,b<2,c!=3,a=4").keys == {"a", "b", "c"}
