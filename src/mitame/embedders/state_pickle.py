"""The few pickle opcodes that a PyTorch state dict needs, interpreted without running anything.

`pickletools` only splits the stream into opcodes. This module gives a meaning to those that build
dicts, lists, tuples, numbers, strings and descriptions of tensors; every other opcode, and every
global name outside a fixed list, is refused. No name is ever imported and nothing is ever called.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from mitame.errors import InvalidModel

MAX_OPCODES = 2_000_000
STORAGE_DTYPES = {
    "torch DoubleStorage": "<f8",
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "|i1",
    "torch ByteStorage": "|u1",
    "torch BoolStorage": "|b1",
}
ORDERED_DICT = "collections OrderedDict"
TENSOR = "torch._utils _rebuild_tensor_v2"
PARAMETER = "torch._utils _rebuild_parameter"
ALLOWED = frozenset({ORDERED_DICT, TENSOR, PARAMETER, *STORAGE_DTYPES})


@dataclass(frozen=True, eq=False)
class Global:
    """An allowed global name, as text; it stands for nothing that could be called."""

    name: str


@dataclass(frozen=True, eq=False)
class StorageRef:
    """Where a tensor's numbers are: key of a storage, NumPy dtype and number of elements."""

    key: str
    dtype: str
    elements: int


@dataclass(frozen=True, eq=False)
class TensorRef:
    """A strided window of a storage; offset and strides are in elements."""

    storage: StorageRef
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """The place on the stack where a collection begins."""


_MARK = _Mark()


def interpret(stream: BinaryIO) -> Any:
    """The value of one pickle; the stream is left just after its STOP.

    Returns:
        None, bool, int, float, str, tuple, list, dict with string keys, `StorageRef`, `TensorRef`
        or a nest of them.

    Raises:
        InvalidModel: an opcode or name that a state dict does not need, or a damaged stream.
    """
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count >= MAX_OPCODES:
                raise InvalidModel(f"its pickle has over {MAX_OPCODES:,} opcodes")
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, OverflowError, MemoryError) as error:
        raise InvalidModel(f"its pickle is damaged ({type(error).__name__})") from error
    raise InvalidModel("its pickle has no end")


class _Machine:
    """Stack and memo of one pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Do one opcode."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        else:
            raise InvalidModel(f"its pickle uses {name}, which no state dict needs")

    def protocol(self, version: int) -> None:
        if version != 2:
            raise InvalidModel(f"its pickle has protocol {version}; PyTorch writes protocol 2")

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise IndexError("mark")
        return value

    def pop_to_mark(self) -> list[Any]:
        for start in range(len(self.stack) - 1, -1, -1):
            if self.stack[start] is _MARK:
                values = self.stack[start + 1 :]
                del self.stack[start:]
                return values
        raise IndexError("no mark")

    def put(self, index: int) -> None:
        self.memo[index] = self._top(object)

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise IndexError("memo")
        self.stack.append(self.memo[index])

    def take_tuple(self, length: int) -> None:
        values = tuple(self.pop() for _ in range(length))
        self.stack.append(values[::-1])

    def set_items(self, values: list[Any]) -> None:
        target = self._top(dict)
        if len(values) % 2:
            raise InvalidModel("its pickle has a key without a value")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str):
                raise InvalidModel(f"its pickle has a key of type {type(key).__name__}")
            target[key] = value

    def append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def build(self) -> None:
        """An OrderedDict's attributes (`_metadata`): read and left out."""
        self.pop()
        self._top(dict)

    def global_name(self, name: str) -> None:
        if name not in ALLOWED:
            raise InvalidModel(f"its pickle asks for {name[:80]!r}, which is never run here")
        self.stack.append(Global(name))

    def persistent(self) -> None:
        self.stack.append(_storage(self.pop()))

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise InvalidModel("its pickle calls something that is not a name")
        if function.name == ORDERED_DICT and arguments == ():
            self.stack.append({})
        elif function.name == TENSOR:
            self.stack.append(_tensor(arguments))
        elif function.name == PARAMETER and arguments and isinstance(arguments[0], TensorRef):
            self.stack.append(arguments[0])
        else:
            raise InvalidModel(f"its pickle calls {function.name!r} with odd arguments")

    def _top(self, kind: type) -> Any:
        value = self.pop()
        if not isinstance(value, kind):
            raise InvalidModel(f"its pickle fills a {type(value).__name__} like a {kind.__name__}")
        self.stack.append(value)
        return value


def _storage(value: Any) -> StorageRef:
    """A persistent id ``("storage", kind, key, location, elements[, view])`` as a reference."""
    if not isinstance(value, tuple) or len(value) not in (5, 6) or value[5:] not in ((), (None,)):
        raise InvalidModel("its pickle has a storage reference of an unknown form")
    tag, kind, key, _, elements = value[:5]
    dtype = STORAGE_DTYPES.get(kind.name) if isinstance(kind, Global) else None
    if tag != "storage" or dtype is None or not isinstance(key, str) or not _is_count(elements):
        raise InvalidModel("its pickle has a storage reference of an unknown form")
    return StorageRef(key, dtype, elements)


def _tensor(arguments: tuple[Any, ...]) -> TensorRef:
    """Arguments ``(storage, offset, size, stride, requires_grad, hooks[, metadata])``."""
    if len(arguments) not in (6, 7) or not isinstance(arguments[0], StorageRef):
        raise InvalidModel("its pickle has a tensor of an unknown form")
    storage, offset, shape, strides = arguments[:4]
    if not _is_count(offset) or not _are_counts(shape) or not _are_counts(strides):
        raise InvalidModel("its pickle has a tensor whose place is not made of whole numbers")
    if len(shape) != len(strides) or len(shape) > 16:
        raise InvalidModel("its pickle has a tensor with more or fewer strides than axes")
    _check_inside(storage, offset, shape, strides)
    return TensorRef(storage, offset, shape, strides)


def _check_inside(
    storage: StorageRef, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    count = 1
    for side in shape:
        count *= side
    last = offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    # An expanded tensor (stride 0) may claim any size from a few bytes: none is larger than its
    # storage here.
    if count > storage.elements or (count and last >= storage.elements):
        raise InvalidModel(f"its pickle has a tensor outside of storage {storage.key[:40]!r}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def _are_counts(value: Any) -> bool:
    return isinstance(value, tuple) and all(_is_count(part) for part in value)


_LITERALS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"})
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": lambda: _MARK,
}
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, version: machine.protocol(version),
    "BINPUT": lambda machine, index: machine.put(index),
    "LONG_BINPUT": lambda machine, index: machine.put(index),
    "BINGET": lambda machine, index: machine.get(index),
    "LONG_BINGET": lambda machine, index: machine.get(index),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.take_tuple(1),
    "TUPLE2": lambda machine, _: machine.take_tuple(2),
    "TUPLE3": lambda machine, _: machine.take_tuple(3),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "BUILD": lambda machine, _: machine.build(),
    "GLOBAL": lambda machine, name: machine.global_name(name),
    "BINPERSID": lambda machine, _: machine.persistent(),
    "REDUCE": lambda machine, _: machine.reduce(),
}
