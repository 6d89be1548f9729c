"""Vectors written as JSON: the kernel reads what msgspec reads, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame import native
from mitame.serving.product import vector_question
from mitame.serving.product.vector_question import read_question

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(
        not hasattr(native.module(), "read_numbers"),
        reason="there is no native module, or its compiler's library reads no numbers",
    ),
]
SCOPE = {"headers": [(b"content-type", b"application/json")], "query_string": b""}

digits = st.text("0123456789", min_size=1, max_size=25)
part = st.one_of(st.just(""), digits.map(".{}".format))
exponent = st.one_of(
    st.just(""),
    st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), digits),
)
likely = st.builds("{}{}{}{}".format, st.sampled_from(["", "-"]), digits, part, exponent)
numbers = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**30), 10**30).map(str),
    likely,
)
odd = st.sampled_from(
    [
        "",
        "+1",
        ".5",
        "1.",
        "01",
        "-",
        "1e",
        "nan",
        "inf",
        "-inf",
        "0x1",
        "1 2",
        "null",
        "[1]",
        '"1"',
    ]
)
spaces = st.text(" \n\r\t", max_size=2)


@st.composite
def arrays(draw: st.DrawFn) -> str:
    """What is an array of numbers, or nearly."""
    items = draw(st.lists(st.one_of(numbers, numbers, numbers, odd), max_size=6))
    items = [f"{draw(spaces)}{each}{draw(spaces)}" for each in items]
    return f"[{','.join(items)}{draw(st.sampled_from([']', ']', ']', ',]', '', '}']))}"


def by_msgspec(text: str) -> np.ndarray | None:
    try:
        found = msgspec.json.decode(text.encode(), type=list[float])
    except msgspec.MsgspecError:
        return None
    with np.errstate(over="ignore"):
        return np.array(found, np.float32)


def read(text: str, start: int = 0) -> tuple[np.ndarray, int] | None:
    module = native.module()
    assert module is not None
    found = module.read_numbers(text.encode(), start)
    return None if found is None else (np.frombuffer(found[0], np.float32), found[1])


@given(arrays())
def test_the_kernel_reads_what_json_says(text: str) -> None:
    """Bit by bit the same numbers; what is no array of numbers is left to others."""
    found, right = read(text), by_msgspec(text)
    if found is not None:
        assert right is not None, text
        np.testing.assert_array_equal(found[0], right)
        assert found[1] == len(text)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20), spaces)
def test_plain_vectors_are_read(values: list[float], space: str) -> None:
    """Nothing that a client would send is left to the slower way."""
    usual = [value if abs(value) > 1e-30 else 0.0 for value in values]
    text = space + json.dumps(usual) + space + "more"
    found = read(text, len(space))
    assert found is not None
    assert found[0].tolist() == usual
    assert text[found[1] :] == space + "more"


def test_nothing_is_read_beyond_the_text() -> None:
    """Wherever a text ends, and wherever one begins to read."""
    whole = "[-1.5e-3, 20 ,3]"
    for end in range(len(whole)):
        assert read(whole[:end]) is None
    module = native.module()
    assert module is not None
    assert module.read_numbers(b"", 0) is None
    assert module.read_numbers(b"[]", 2) is None
    with pytest.raises(ValueError, match="the text ends before"):
        module.read_numbers(b"[1]", 4)


@pytest.mark.parametrize(
    "body",
    [
        '{"vector":[1,2.5]}',
        ' { "limit" : 7 , "vector" : [ 1 , 2.5 ] , "lens" : "look" } ',
        '{"vector":[1,2.5],"limit":3}',
        '{"lens":"look","limit":3,"vector":[1,2.5]}',
        '{"vector":[1,2.5],"vector":[3]}',
        '{"vector":[3],"vector":[1,2.5]}',
        '{"vector":[1,2.5],"vector":null}',
        '{"vector":[1,2.5],"vector":"AACAPw=="}',
        '{"vector":null}',
        '{"vector":[1,2.5],"\\u0076ector":null}',
        '{"lens":"\\"vector\\":[1]","vector":[1,2.5]}',
        '{"lens":"vector\\":[9]","vector":[1,2.5]}',
        '{"vector":[1,2.5],"filter":"a=1"}',
        '{"vector":[1,2.5]',
        '{"vector":[1,2.5]}}',
        '{"vector":[1,2.5,]}',
        '{"vector":[1,[2]]}',
        '\x0b{"vector":[1]}',
        '[{"vector":[1]}]',
        '{"limit":0,"vector":[1]}',
        '{"limit":99999,"vector":[1]}',
    ],
)
def test_the_same_question_both_ways(body: str) -> None:
    """Whoever reads the numbers: the same question, or none."""
    found = read_question(SCOPE, body.encode())
    with native.forced("numpy"):
        right = read_question(SCOPE, body.encode())
    assert described(found) == described(right)


def described(question: Any) -> Any:
    if question is None:
        return None
    return question.vector.tolist(), question.limit, question.lens


def test_numbers_are_read_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """msgspec sees a vector's numbers only where the kernel can't read them."""
    seen = []
    decode = vector_question._decode

    def noted(body: bytes) -> Any:
        seen.append(body)
        return decode(body)

    monkeypatch.setattr(vector_question, "_decode", noted)
    read_question(SCOPE, b'{"vector":[1,2.5],"limit":3}')
    assert seen == [b'{"vector":null,"limit":3}']
