"""Reads the tensors of a PyTorch state dict with NumPy alone, and runs nothing that it reads.

Two forms exist. *Legacy* (torch before 1.6): five pickles one after the other (magic number,
version, system, state dict, list of storage keys), then for each key an int64 count and the raw
numbers. *Zip* (since 1.6): ``NAME/data.pkl`` with the state dict and ``NAME/data/KEY`` with the raw
numbers, all stored without compression. See ``torch/serialization.py`` in PyTorch.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.state_pickle import StorageRef, TensorRef, interpret
from mitame.errors import InvalidModel, WeightsNotFound

MAX_FILE_BYTES = 2 << 30
MAX_PICKLE_BYTES = 16 << 20
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001

Arrays = dict[str, NDArray[Any]]


def read_torch_file(path: Path, *, limit: int = MAX_FILE_BYTES) -> Arrays:
    """Names to arrays of the state dict in a file of `torch.save`.

    Args:
        path: a ``.pth`` or ``.pt`` file in the legacy or the zip form.
        limit: largest file in bytes; memory used stays below twice the file's size.

    Returns:
        Read-only arrays in the file's order, bit for bit what torch would load.

    Raises:
        WeightsNotFound: there is no such file.
        InvalidModel: too large, damaged, big-endian, or holds more than a flat dict of tensors.
    """
    try:
        data = _read(path, limit)
        tensors, storages = _parse(data)
        return {name: _array(tensor, storages) for name, tensor in tensors.items()}
    except InvalidModel as error:
        raise InvalidModel(f"weights {path.name}: {error.message}", remedy=_REMEDY) from error


_REMEDY = "save it again with torch.save(model.state_dict(), PATH)"


def _read(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise InvalidModel(f"it has {size:,} bytes, over the limit of {limit:,}")
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError as error:
        raise WeightsNotFound(f"no weights at {path}", remedy="check the path") from error
    except OSError as error:
        raise InvalidModel(f"it can't be read ({error.strerror})") from error


def _parse(data: bytes) -> tuple[Mapping[str, TensorRef], Mapping[str, NDArray[Any]]]:
    if data[:4] == b"PK\x03\x04":
        return _parse_zip(data)
    return _parse_legacy(data)


def _parse_legacy(
    data: bytes,
) -> tuple[Mapping[str, TensorRef], Mapping[str, NDArray[Any]]]:
    # The pickles see no more than a prefix: no length that they claim can cost more than that.
    stream = io.BytesIO(data[:MAX_PICKLE_BYTES])
    if interpret(stream) != LEGACY_MAGIC or interpret(stream) != LEGACY_VERSION:
        raise InvalidModel("it is not a file of torch.save")
    system = interpret(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise InvalidModel("it was written on a big-endian machine")
    tensors = _tensors(interpret(stream))
    keys = interpret(stream)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InvalidModel("its list of storages is not a list of names")
    return tensors, _legacy_storages(data, stream.tell(), keys, _references(tensors))


def _legacy_storages(
    data: bytes, position: int, keys: list[str], references: Mapping[str, StorageRef]
) -> dict[str, NDArray[Any]]:
    storages: dict[str, NDArray[Any]] = {}
    for key in keys:
        if key in storages or key not in references:
            raise InvalidModel(f"its storage {key[:40]!r} is listed twice or belongs to no tensor")
        reference = references[key]
        if position + 8 > len(data):
            raise InvalidModel("it is cut off")
        (elements,) = struct.unpack_from("<q", data, position)
        if elements != reference.elements:
            raise InvalidModel(
                f"its storage {key[:40]!r} has {elements} elements, not as announced"
            )
        end = position + 8 + elements * np.dtype(reference.dtype).itemsize
        if end > len(data):
            raise InvalidModel("it is cut off")
        storages[key] = _numbers(data[position + 8 : end], reference)
        position = end
    if position != len(data):
        raise InvalidModel("it has bytes after its end")
    return storages


def _parse_zip(data: bytes) -> tuple[Mapping[str, TensorRef], Mapping[str, NDArray[Any]]]:
    # What zipfile raises for damaged archives is not one family.
    damage = (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, RuntimeError)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_zip(archive, len(data))
    except (*damage, struct.error, KeyError, IndexError) as error:
        raise InvalidModel(f"its archive is damaged ({type(error).__name__})") from error


def _read_zip(
    archive: zipfile.ZipFile, size: int
) -> tuple[Mapping[str, TensorRef], Mapping[str, NDArray[Any]]]:
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise InvalidModel("its archive is compressed, which torch.save never does")
    if sum(entry.file_size for entry in entries) > size:
        raise InvalidModel("its archive claims more bytes than the file has")
    roots = [entry.filename for entry in entries if entry.filename.endswith("/data.pkl")]
    if len(roots) != 1 or archive.getinfo(roots[0]).file_size > MAX_PICKLE_BYTES:
        raise InvalidModel("its archive has no state dict of a usable size")
    folder = roots[0].removesuffix("data.pkl")
    marked = f"{folder}byteorder" in archive.namelist()
    if marked and archive.read(f"{folder}byteorder").strip() != b"little":
        raise InvalidModel("it was written on a big-endian machine")
    tensors = _tensors(interpret(io.BytesIO(archive.read(roots[0]))))
    return tensors, _zip_storages(_references(tensors), lambda key: archive.read(folder + key))


def _zip_storages(
    references: Mapping[str, StorageRef], read: Callable[[str], bytes]
) -> dict[str, NDArray[Any]]:
    return {key: _numbers(read(f"data/{key}"), ref) for key, ref in references.items()}


def _tensors(value: Any) -> Mapping[str, TensorRef]:
    if not isinstance(value, dict):
        raise InvalidModel(f"it holds a {type(value).__name__}, not a state dict")
    for name, tensor in value.items():
        if not isinstance(tensor, TensorRef):
            raise InvalidModel(f"its entry {name[:80]!r} is not a tensor")
    return value


def _references(tensors: Mapping[str, TensorRef]) -> dict[str, StorageRef]:
    """The storages that tensors use, by key; one key has one type and one size."""
    references: dict[str, StorageRef] = {}
    for tensor in tensors.values():
        new = tensor.storage
        old = references.setdefault(new.key, new)
        if (old.dtype, old.elements) != (new.dtype, new.elements):
            raise InvalidModel(f"its storage {new.key[:40]!r} has two types or sizes")
    return references


def _numbers(raw: bytes, reference: StorageRef) -> NDArray[Any]:
    dtype = np.dtype(reference.dtype)
    if len(raw) != reference.elements * dtype.itemsize:
        raise InvalidModel(
            f"its storage {reference.key[:40]!r} has {len(raw)} bytes, not as announced"
        )
    return np.frombuffer(raw, dtype)


def _array(tensor: TensorRef, storages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    storage = storages.get(tensor.storage.key)
    if storage is None:
        raise InvalidModel(f"its storage {tensor.storage.key[:40]!r} is missing")
    strides = tuple(step * storage.itemsize for step in tensor.strides)
    return np.lib.stride_tricks.as_strided(
        storage[tensor.offset :], tensor.shape, strides, writeable=False
    )
