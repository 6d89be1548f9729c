"""The reader of Keras weights: the official layout, and files that are hostile or another's."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.embedders.keras_file import read_keras_convolutions
from mitame.errors import InvalidModel, MissingExtra, WeightsNotFound

NORM = ("beta", "moving_mean", "moving_variance")


def h5py() -> Any:
    return pytest.importorskip("h5py", reason="the optional dependency h5py is not installed")


def write(path: Path, count: int, *, first: int = 0, suffix: str = "", gamma: bool = False) -> None:
    """Layers whose numbers say which they are, in the layout of Keras 2 and 3."""
    with h5py().File(path, "w") as file:
        for number in reversed(range(first, first + count)):
            end = f"_{number}" if number else ""
            kernel = np.full((1, 3, 2, 4), number, np.float32)
            file[f"conv2d{end}/conv2d{end}/kernel{suffix}"] = kernel
            for key in (*NORM, "gamma") if gamma else NORM:
                values = np.full(4, number + 0.5, np.float32)
                file[f"batch_normalization{end}/batch_normalization{end}/{key}{suffix}"] = values
        file["dense/dense/kernel"] = np.zeros(3)


@pytest.mark.parametrize(
    ("first", "suffix", "gamma"), [(0, "", False), (1, ":0", False), (94, ":0", True)]
)
def test_order_and_layout(tmp_path: Path, first: int, suffix: str, gamma: bool) -> None:
    """Layers come by number, not by name; kernels turn to [out, in, height, width]."""
    path = tmp_path / "w.h5"
    write(path, 12, first=first, suffix=suffix, gamma=gamma)
    found = read_keras_convolutions(path, 12)
    assert [kernel.flat[0] for kernel, _ in found] == list(range(first, first + 12))
    assert [norm.beta[0] for _, norm in found] == [n + 0.5 for n in range(first, first + 12)]
    assert found[0][0].shape == (4, 2, 1, 3)
    assert found[3][1].gamma[0] == (first + 3.5 if gamma else 1)


def test_inside_a_whole_model(tmp_path: Path) -> None:
    """`model.save` puts the layers below `model_weights`."""
    path, outer = tmp_path / "w.h5", tmp_path / "model.h5"
    write(path, 2)
    with h5py().File(path) as source, h5py().File(outer, "w") as target:
        source.copy(source, target.create_group("model_weights"), name="x")
        for name in list(target["model_weights/x"]):
            target.move(f"model_weights/x/{name}", f"model_weights/{name}")
    assert len(read_keras_convolutions(outer, 2)) == 2


def test_wrong_count(tmp_path: Path) -> None:
    """Another network's weights are refused by the number of layers."""
    path = tmp_path / "w.h5"
    write(path, 3)
    with pytest.raises(InvalidModel, match="3 convolutions"):
        read_keras_convolutions(path, 94)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """External and soft links, external storage and virtual datasets stay unread."""
    path, secret = tmp_path / "w.h5", tmp_path / "secret.h5"
    write(secret, 1)
    with h5py().File(path, "w") as file:
        file["conv2d"] = h5py().ExternalLink(str(secret), "conv2d")
        file["batch_normalization"] = h5py().SoftLink("/conv2d")
    with pytest.raises(InvalidModel, match="0 convolutions"):
        read_keras_convolutions(path, 1)
    with h5py().File(path, "w") as file:
        file["conv2d/kernel"] = h5py().ExternalLink(str(secret), "conv2d/conv2d/kernel")
        file["batch_normalization/beta"] = np.zeros(4, np.float32)
    with pytest.raises(InvalidModel, match="KeyError"):
        read_keras_convolutions(path, 1)
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(96))
    with h5py().File(path, "w") as file:
        where = [(str(raw), 0, 96)]
        file.create_dataset("conv2d/kernel", (1, 3, 2, 4), np.float32, external=where)
    with pytest.raises(InvalidModel, match="another file"):
        read_keras_convolutions(path, 1)


def test_bombs(tmp_path: Path) -> None:
    """A dataset that claims gigabytes is refused before it is read, whatever its bytes."""
    path = tmp_path / "w.h5"
    with h5py().File(path, "w") as file:
        shape = (1 << 14, 1 << 14, 3, 3)
        file.create_dataset("conv2d/kernel", shape, np.float32, chunks=True, compression="gzip")
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InvalidModel, match="usable size"):
        read_keras_convolutions(path, 1)


def test_damaged(tmp_path: Path) -> None:
    """Cut off, empty, not HDF5, absent."""
    path = tmp_path / "w.h5"
    write(path, 2)
    data = path.read_bytes()
    for bad in (data[: len(data) // 2], data[:600], b"", b"\x89HDF\r\n\x1a\n" + bytes(50)):
        path.write_bytes(bad)
        with pytest.raises(InvalidModel):
            read_keras_convolutions(path, 2)
    with pytest.raises(WeightsNotFound):
        read_keras_convolutions(tmp_path / "none.h5", 2)


def test_missing_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without h5py the error names the extra."""
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **settings: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return real(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra) as caught:
        read_keras_convolutions(tmp_path / "w.h5", 1)
    assert "mitame[inception]" in caught.value.remedy
