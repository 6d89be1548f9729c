"""The interpreter of pickle opcodes: what it builds, and that it runs nothing."""

from __future__ import annotations

import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.embedders.state_pickle import StorageRef, TensorRef, interpret
from mitame.errors import InvalidModel
from tests.embedders.torch_writer import (
    EMPTY_DICT,
    EMPTY_TUPLE,
    REDUCE,
    name,
    pickled,
    row,
    storage,
    tensor,
    text,
    whole,
)

FLOATS = "torch FloatStorage"
PLACE = storage("0", FLOATS, 6, view=True)


def run(data: bytes) -> Any:
    return interpret(io.BytesIO(data))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner, inner, inner)
        | st.tuples(inner)
        | st.dictionaries(st.text(), inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_plain_values_as_python_writes_them(value: Any) -> None:
    """Plain values of protocol 2, written by Python's own pickle, come back equal."""
    assert run(pickle.dumps(value, protocol=2)) == value


def test_tensor() -> None:
    """A tensor becomes a description of where its numbers lie."""
    found = run(pickled(tensor(PLACE, (2, 3), (3, 1))))
    assert isinstance(found, TensorRef)
    assert isinstance(found.storage, StorageRef)
    assert (found.shape, found.strides, found.offset) == ((2, 3), (3, 1), 0)
    assert (found.storage.key, found.storage.dtype, found.storage.elements) == ("0", "<f4", 6)


class Attack:
    """What a hostile file would have pickle do."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_runs_no_command(tmp_path: Path, protocol: int) -> None:
    """os.system and eval in a pickle of any protocol are refused, and leave no trace."""
    target = tmp_path / "pwned"
    for attack in (
        Attack(os.system, f"touch {target}"),
        Attack(eval, f"open({str(target)!r},'w')"),
    ):
        with pytest.raises(InvalidModel):
            run(pickle.dumps({"a": attack}, protocol=protocol))
    assert not target.exists()


HOSTILE = {
    "unknown name": name("os system") + row(text("true")) + REDUCE,
    "name from the stack": text("os") + text("system") + b"\x93",
    "old instance": b"(ios\nsystem\n",
    "old object": b"(" + name("collections OrderedDict") + b"o",
    "new object": name("collections OrderedDict") + EMPTY_TUPLE + b"\x81",
    "extension": b"\x82\x01",
    "call of a storage type": name(FLOATS) + row(whole(4)) + REDUCE,
    "call of a string": text("os") + EMPTY_TUPLE + REDUCE,
    "ordered dict of something": name("collections OrderedDict") + row(EMPTY_TUPLE) + REDUCE,
    "parameter of nothing": name("torch._utils _rebuild_parameter") + EMPTY_TUPLE + REDUCE,
    "attributes of a tensor": tensor(PLACE, (6,), (1,)) + EMPTY_DICT + b"b",
    "storage without a type": row(text("storage"), text(FLOATS), text("0"), text("cpu"), whole(1))
    + b"Q",
    "storage of negative size": storage("0", FLOATS, -1, view=True),
    "storage of huge size": storage("0", FLOATS, 1 << 60, view=True),
    "storage of a view": row(
        text("storage"), name(FLOATS), text("0"), text("cpu"), whole(1), EMPTY_TUPLE
    )
    + b"Q",
    "unknown type": storage("0", "torch QInt8Storage", 1, view=True),
    "storage key not text": row(text("storage"), name(FLOATS), whole(1), text("cpu"), whole(1))
    + b"Q",
    "tensor past the end": tensor(PLACE, (2, 3), (3, 1), 1),
    "tensor before the start": tensor(PLACE, (2,), (1,), -1),
    "negative stride": tensor(PLACE, (2,), (-1,), 4),
    "negative size": tensor(PLACE, (-2, -3), (3, 1)),
    "expanded tensor": tensor(PLACE, (1 << 30,), (0,)),
    "huge product": tensor(PLACE, (1 << 39,) * 16, (0,) * 16),
    "too many axes": tensor(PLACE, (1,) * 17, (0,) * 17),
    "strides missing": tensor(PLACE, (2, 3), (1,)),
    "tensor of no storage": tensor(b"N", (1,), (1,)),
    "bool as size": name("torch._utils _rebuild_tensor_v2")
    + row(PLACE, whole(0), row(b"\x88"), row(whole(1)), b"\x89", b"N")
    + REDUCE,
    "key not text": EMPTY_DICT + whole(1) + whole(2) + b"s",
    "unhashable key": EMPTY_DICT + b"]" + whole(2) + b"s",
    "key without value": EMPTY_DICT + b"(" + text("a") + b"u",
    "items of a tuple": EMPTY_TUPLE + text("a") + whole(1) + b"s",
    "append to a dict": EMPTY_DICT + whole(1) + b"a",
    "empty stack": b"",
    "no mark": whole(1) + b"t",
    "mark as a value": b"(",
    "memo never set": b"h\x07",
    "memo of nothing": b"q\x00",
    "duplicate": whole(1) + b"2",
    "persistent text": b"P0\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refuses(case: str) -> None:
    """Everything that a state dict does not need is an InvalidModel, never another error."""
    with pytest.raises(InvalidModel):
        run(pickled(HOSTILE[case]))


def test_refuses_other_protocols() -> None:
    """Only protocol 2, the one that torch.save writes."""
    for version in (0, 1, 3, 4, 5):
        with pytest.raises(InvalidModel, match="protocol"):
            run(b"\x80" + bytes([version]) + b"N.")


@pytest.mark.parametrize("opcode", [b"X", b"\x8d", b"B", b"\x8e", b"T", b"\x8b", b"\x95", b"\x96"])
def test_claimed_lengths_cost_nothing(opcode: bytes) -> None:
    """A length of billions in a file of twenty bytes is refused without that memory."""
    wide = opcode in (b"\x8d", b"\x8e", b"\x95", b"\x96")
    size = struct.pack("<Q", 1 << 62) if wide else struct.pack("<I", 0x7FFFFFFF)
    with pytest.raises(InvalidModel):
        run(b"\x80\x02" + opcode + size + b"abc.")


def test_deep_nesting() -> None:
    """A hundred thousand tuples within each other neither overflow a stack nor take long."""
    assert isinstance(run(pickled(EMPTY_TUPLE + b"\x85" * 100_000)), tuple)


def test_too_many_opcodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of opcodes is bounded."""
    monkeypatch.setattr("mitame.embedders.state_pickle.MAX_OPCODES", 100)
    with pytest.raises(InvalidModel, match="opcodes"):
        run(pickled(b"N" * 101))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Arbitrary bytes either are a value or an InvalidModel."""
    for head in (b"", b"\x80\x02"):
        try:
            run(head + data)
        except InvalidModel:
            continue
