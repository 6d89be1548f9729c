"""Writes state dicts as torch.save does, legacy and zip, byte by byte and without torch."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.state_pickle import ORDERED_DICT, STORAGE_DTYPES, TENSOR
from mitame.embedders.torch_file import LEGACY_MAGIC, LEGACY_VERSION

Arrays = Mapping[str, NDArray[Any]]
STORAGES = {np.dtype(dtype): name for name, dtype in STORAGE_DTYPES.items()}
PROTOCOL = b"\x80\x02"
MARK, STOP, TUPLE, REDUCE = b"(", b".", b"t", b"R"
EMPTY_DICT, EMPTY_TUPLE = b"}", b")"


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def whole(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def name(value: str) -> bytes:
    return b"c" + value.replace(" ", "\n").encode() + b"\n"


def row(*parts: bytes) -> bytes:
    return MARK + b"".join(parts) + TUPLE


def pickled(value: bytes) -> bytes:
    return PROTOCOL + value + STOP


def storage(key: str, kind: str, elements: int, *, view: bool) -> bytes:
    parts = [text("storage"), name(kind), text(key), text("cpu"), whole(elements)]
    return row(*parts, *([b"N"] if view else [])) + b"Q"


def tensor(
    place: bytes, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0
) -> bytes:
    hooks = name(ORDERED_DICT) + EMPTY_TUPLE + REDUCE
    sizes = row(*map(whole, shape)), row(*map(whole, strides))
    return name(TENSOR) + row(place, whole(offset), *sizes, b"\x89", hooks) + REDUCE


def state(entries: Mapping[str, bytes]) -> bytes:
    pairs = b"".join(text(key) + value for key, value in entries.items())
    return name(ORDERED_DICT) + EMPTY_TUPLE + REDUCE + MARK + pairs + b"u"


def describe(array: NDArray[Any], key: str, *, view: bool) -> bytes:
    strides = tuple(step // array.itemsize for step in np.ascontiguousarray(array).strides)
    strides = strides if array.ndim else ()
    place = storage(key, STORAGES[array.dtype], array.size, view=view)
    return tensor(place, array.shape, strides)


def legacy_bytes(body: bytes, storages: Arrays) -> bytes:
    system = EMPTY_DICT + text("little_endian") + b"\x88s"
    keys = b"]" + MARK + b"".join(map(text, storages)) + b"e"
    head = [whole(LEGACY_MAGIC), whole(LEGACY_VERSION), system, body, keys]
    raw = [struct.pack("<q", array.size) + array.tobytes() for array in storages.values()]
    return b"".join([*map(pickled, head), *raw])


def legacy(arrays: Arrays) -> bytes:
    keyed = {str(number): array for number, array in enumerate(arrays.values())}
    entries = {
        key: describe(array, str(number), view=True)
        for number, (key, array) in enumerate(arrays.items())
    }
    return legacy_bytes(state(entries), keyed)


def zip_bytes(body: bytes, files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("model/data.pkl", pickled(body))
        for key, data in files.items():
            archive.writestr(f"model/{key}", data)
    return out.getvalue()


def zipped(arrays: Arrays) -> bytes:
    entries = {
        key: describe(array, str(number), view=False)
        for number, (key, array) in enumerate(arrays.items())
    }
    data = {f"data/{number}": array.tobytes() for number, array in enumerate(arrays.values())}
    return zip_bytes(state(entries), {"byteorder": b"little", **data, "version": b"3\n"})
