"""Reads the convolutions of a Keras network from its HDF5 weights, in the order they were made.

The official file and `model.save("x.h5")` have one group per layer, ``conv2d_7/conv2d_7/kernel``
and ``batch_normalization_7/.../beta`` with ``moving_mean``, ``moving_variance`` and perhaps
``gamma``; the number in a layer's name grows in the order in which layers are made. Keras 3's own
``.weights.h5`` numbers layers otherwise and is not read. HDF5 can point into other files: such
links are never followed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.graph import BatchNorm
from mitame.errors import InvalidModel, MissingExtra, WeightsNotFound

MAX_ELEMENTS = 50_000_000
EPS = 1e-3
_LAYER = re.compile(r"(conv2d|batch_normalization)(?:_(\d{1,6}))?")


def read_keras_convolutions(path: Path, count: int) -> list[tuple[NDArray[Any], BatchNorm]]:
    """Kernel float32[out, in, height, width] and batch norm of each convolution.

    Args:
        path: an ``.h5`` file.
        count: how many there must be.

    Raises:
        WeightsNotFound: there is no such file.
        MissingExtra: h5py is not installed.
        InvalidModel: damaged, or another network's.
    """
    try:
        import h5py  # an optional dependency
    except ImportError as error:
        raise MissingExtra("reading Keras weights", "inception") from error
    if not path.is_file():
        raise WeightsNotFound(f"no weights at {path}", remedy="check the path")
    try:
        with h5py.File(path, "r") as file:
            return _read(h5py, file, count)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise InvalidModel(f"weights {path.name} can't be read ({type(error).__name__})") from error


def _read(h5py: Any, file: Any, count: int) -> list[tuple[NDArray[Any], BatchNorm]]:
    layers = _layers(h5py, file)
    kernels = [layers[key] for key in sorted(layers) if key[0] == "conv2d"]
    norms = [layers[key] for key in sorted(layers) if key[0] == "batch_normalization"]
    if len(kernels) != count or len(norms) != count:
        raise InvalidModel(
            f"weights have {len(kernels)} convolutions and {len(norms)} batch norms, not {count}",
            remedy="give the official weights, or what model.save('x.h5') writes",
        )
    return [(_kernel(k), _norm(n)) for k, n in zip(kernels, norms, strict=True)]


def _layers(h5py: Any, file: Any) -> dict[tuple[str, int], dict[str, NDArray[Any]]]:
    """The arrays of each layer by their last name; layers by kind and number."""
    root = file["model_weights"] if _is_group(h5py, file, "model_weights") else file
    layers: dict[tuple[str, int], dict[str, NDArray[Any]]] = {}
    for name in root:
        match = _LAYER.fullmatch(name)
        if match and _is_group(h5py, root, name):
            layers[match[1], int(match[2] or 0)] = _arrays(h5py, root[name])
    return layers


def _is_group(h5py: Any, parent: Any, name: str) -> bool:
    """Whether it is in this very file: a soft or external link is not."""
    link = parent.get(name, getlink=True)
    return isinstance(link, h5py.HardLink) and isinstance(parent[name], h5py.Group)


def _arrays(h5py: Any, group: Any) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}

    def visit(name: str, node: Any) -> None:  # h5py visits hard links only
        if isinstance(node, h5py.Dataset):
            found[name.rsplit("/", 1)[-1].removesuffix(":0")] = _array(node)

    group.visititems(visit)
    return found


def _array(dataset: Any) -> NDArray[Any]:
    if dataset.external or dataset.is_virtual:
        raise InvalidModel(f"weights {dataset.name[:80]!r} lie in another file")
    if dataset.dtype != np.float32 or dataset.size > MAX_ELEMENTS:
        raise InvalidModel(f"weights {dataset.name[:80]!r} are not float32 of a usable size")
    return np.asarray(dataset[()])


def _kernel(arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    kernel = arrays["kernel"]
    if kernel.ndim != 4:
        raise InvalidModel(f"a kernel has {kernel.ndim} axes, not 4")
    return kernel.transpose(3, 2, 0, 1)


def _norm(arrays: dict[str, NDArray[Any]]) -> BatchNorm:
    beta = arrays["beta"]
    gamma = arrays.get("gamma", np.ones_like(beta))
    return BatchNorm(gamma, beta, arrays["moving_mean"], arrays["moving_variance"], EPS)
