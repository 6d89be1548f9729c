"""Inception-V3: 2,048 ImageNet features, from weights that the user pulls once.

Architecture: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR
2016, as Keras and torchvision have it: 94 convolutions, each with batch norm (eps 0.001) and ReLU,
on 299 x 299 pixels, ``x / 127.5 - 1``. Names are torchvision's, the order is Keras's.

The two differ in one thing: torchvision counts padded zeros in its average pools, Keras does not.
Each kind of weights gets the pooling that it was trained with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.cache import cache_directory, cached_graph, file_sha256
from mitame.embedders.graph import INPUT, OUTPUT, BatchNorm, GraphBuilder
from mitame.embedders.keras_file import read_keras_convolutions
from mitame.embedders.network import NetworkEmbedder
from mitame.embedders.onnx_session import OnnxSession
from mitame.embedders.preprocess import Recipe
from mitame.embedders.protocol import EmbedderSpec
from mitame.embedders.torch_file import read_torch_file
from mitame.errors import InvalidModel, WeightsNotFound

NAME = "inception-v3"
BUILDER_VERSION = 1
DIMENSION = 2_048
SIDE = 299
RECIPE = Recipe((SIDE, SIDE), 342)
LICENCES = {".pth": "BSD-3-Clause", ".h5": "Apache-2.0"}

Convolution: TypeAlias = tuple[NDArray[Any], BatchNorm]


@dataclass(frozen=True)
class Conv:
    """A convolution with its batch norm and ReLU; kernel is (height, width)."""

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    same: bool = True


@dataclass(frozen=True)
class Fork:
    """Convolutions of the same input whose results are concatenated."""

    ways: tuple[Conv, ...]


Branch: TypeAlias = tuple[Conv | Fork, ...]


@dataclass(frozen=True)
class Block:
    """Branches side by side, concatenated; `pool` feeds the last branch (or is it, if empty)."""

    name: str
    branches: tuple[Branch, ...]
    pool: Literal["average", "max"]


def _block_a(name: str, pooled: int) -> Block:
    """Figure 5 of the paper: 1x1, 5x5, double 3x3, pool."""
    double = (
        Conv("branch3x3dbl_1", 64),
        Conv("branch3x3dbl_2", 96, (3, 3)),
        Conv("branch3x3dbl_3", 96, (3, 3)),
    )
    five = (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5)))
    one = (Conv("branch1x1", 64),)
    return Block(name, (one, five, double, (Conv("branch_pool", pooled),)), "average")


def _block_b(name: str) -> Block:
    """From 35 x 35 to 17 x 17."""
    double = (
        Conv("branch3x3dbl_1", 64),
        Conv("branch3x3dbl_2", 96, (3, 3)),
        Conv("branch3x3dbl_3", 96, (3, 3), 2, same=False),
    )
    three = (Conv("branch3x3", 384, (3, 3), 2, same=False),)
    return Block(name, (three, double, ()), "max")


def _block_c(name: str, inner: int) -> Block:
    """Figure 6: 7x7 as 1x7 and 7x1, once and twice."""
    once = (
        Conv("branch7x7_1", inner),
        Conv("branch7x7_2", inner, (1, 7)),
        Conv("branch7x7_3", 192, (7, 1)),
    )
    twice = (
        Conv("branch7x7dbl_1", inner),
        Conv("branch7x7dbl_2", inner, (7, 1)),
        Conv("branch7x7dbl_3", inner, (1, 7)),
        Conv("branch7x7dbl_4", inner, (7, 1)),
        Conv("branch7x7dbl_5", 192, (1, 7)),
    )
    one = (Conv("branch1x1", 192),)
    return Block(name, (one, once, twice, (Conv("branch_pool", 192),)), "average")


def _block_d(name: str) -> Block:
    """From 17 x 17 to 8 x 8."""
    three = (Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, (3, 3), 2, same=False))
    seven = (
        Conv("branch7x7x3_1", 192),
        Conv("branch7x7x3_2", 192, (1, 7)),
        Conv("branch7x7x3_3", 192, (7, 1)),
        Conv("branch7x7x3_4", 192, (3, 3), 2, same=False),
    )
    return Block(name, (three, seven, ()), "max")


def _block_e(name: str) -> Block:
    """Figure 7: 3x3 split into 1x3 beside 3x1."""
    three = (
        Conv("branch3x3_1", 384),
        Fork((Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1)))),
    )
    double = (
        Conv("branch3x3dbl_1", 448),
        Conv("branch3x3dbl_2", 384, (3, 3)),
        Fork((Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1)))),
    )
    one = (Conv("branch1x1", 320),)
    return Block(name, (one, three, double, (Conv("branch_pool", 192),)), "average")


STEM: tuple[Conv | None, ...] = (
    Conv("Conv2d_1a_3x3", 32, (3, 3), 2, same=False),
    Conv("Conv2d_2a_3x3", 32, (3, 3), same=False),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    None,  # a max pool of 3 at stride 2
    Conv("Conv2d_3b_1x1", 80, same=False),
    Conv("Conv2d_4a_3x3", 192, (3, 3), same=False),
    None,
)
BLOCKS = (
    _block_a("Mixed_5b", 32),
    _block_a("Mixed_5c", 64),
    _block_a("Mixed_5d", 64),
    _block_b("Mixed_6a"),
    _block_c("Mixed_6b", 128),
    _block_c("Mixed_6c", 160),
    _block_c("Mixed_6d", 160),
    _block_c("Mixed_6e", 192),
    _block_d("Mixed_7a"),
    _block_e("Mixed_7b"),
    _block_e("Mixed_7c"),
)


def open_inception_v3(*, threads: int = 1, cache: Path | None = None) -> NetworkEmbedder:
    """The embedder with the weights that `pull` put into the cache.

    Raises:
        WeightsNotFound: nothing was pulled.
        MissingExtra: Keras weights without h5py.
        InvalidModel: the weights are not those of Inception-V3.
    """
    directory = cache_directory(cache)
    path = find_weights(directory)
    weights = file_sha256(path)
    key = f"{NAME}-{weights[:16]}-{BUILDER_VERSION}"
    graph = cached_graph(directory, key, lambda: build_from_file(path))
    session = OnnxSession(graph, name=NAME, threads=threads)
    spec = EmbedderSpec(
        name=NAME,
        weights=weights,
        input_size=RECIPE.size,
        preprocessing=RECIPE.as_json(),
        dimension=DIMENSION,
        licence=LICENCES[path.suffix],
        same_at=0.95,  # both as measured with EfficientNet-Lite; not measured with these weights
        similar_at=0.7,
    )
    return NetworkEmbedder(spec, RECIPE, lambda batch: session.run(OUTPUT, **{INPUT: batch}))


def weights_path(directory: Path, suffix: str) -> Path:
    """Where pulled weights of a kind (``.pth`` or ``.h5``) lie in a cache directory."""
    return directory / "weights" / f"{NAME}{suffix}"


def find_weights(directory: Path) -> Path:
    """The pulled weights in a cache directory.

    Raises:
        WeightsNotFound: there are none.
    """
    for suffix in LICENCES:
        path = weights_path(directory, suffix)
        if path.is_file():
            return path
    raise WeightsNotFound(
        f"the weights of {NAME} are not on this machine",
        remedy=f"get them with: mitame models pull {NAME}",
    )


def build_from_file(path: Path) -> bytes:
    """The ONNX model from torchvision's ``.pth`` or Keras's ``.h5``; see `build_graph`.

    Raises:
        WeightsNotFound, MissingExtra, InvalidModel: as `open_inception_v3`.
    """
    if path.suffix == ".h5":
        names = [conv for conv, _ in convolutions()]
        found = dict(zip(names, read_keras_convolutions(path, len(names)), strict=True))
        return build_graph(found, count_padding=False)
    return build_graph(_from_torch(read_torch_file(path)), count_padding=True)


def build_graph(weights: Mapping[str, Convolution], *, count_padding: bool) -> bytes:
    """The ONNX model: float32[n, 3, 299, 299] to float32[n, 2048].

    Args:
        weights: kernel float[out, in, height, width] and batch norm of each name of `convolutions`.
        count_padding: see the module.

    Raises:
        InvalidModel: a weight is missing or has another shape.
    """
    network = _Network(weights, count_padding)
    x, channels = INPUT, 3
    for layer in STEM:
        if layer is None:
            x = network.graph.max_pool(x, 3, 2)
        else:
            x, channels = network.conv(x, channels, "", layer), layer.channels
    for block in BLOCKS:
        x, channels = network.block(x, channels, block)
    network.graph.pooled(x)
    return network.graph.to_bytes(RECIPE.size, DIMENSION)


def convolutions() -> Iterator[tuple[str, Conv]]:
    """Every convolution with its full name, in the order in which Keras makes them."""
    yield from ((layer.name, layer) for layer in STEM if layer is not None)
    for block in BLOCKS:
        for step in (step for branch in block.branches for step in branch):
            for conv in step.ways if isinstance(step, Fork) else (step,):
                yield f"{block.name}.{conv.name}", conv


def _from_torch(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Convolution]:
    """The convolutions of a torchvision state dict; the classifiers in it are left out."""
    found = {}
    for name, _ in convolutions():
        keys = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
        missing = [key for key in keys if f"{name}.{key}" not in arrays]
        if missing:
            raise InvalidModel(f"weights have nothing named '{name}.{missing[0]}'")
        kernel, gamma, beta, mean, variance = (arrays[f"{name}.{key}"] for key in keys)
        found[name] = (kernel, BatchNorm(gamma, beta, mean, variance))
    return found


class _Network:
    def __init__(self, weights: Mapping[str, Convolution], count_padding: bool) -> None:
        self.graph = GraphBuilder(NAME)
        self._weights = weights
        self._count_padding = count_padding

    def block(self, x: str, channels: int, block: Block) -> tuple[str, int]:
        """All branches of a block, concatenated, and how many channels that gives."""
        parts: list[tuple[str, int]] = []
        for branch in block.branches:
            start = x if branch is not block.branches[-1] else self._pool(x, block.pool)
            parts.append(self._branch(start, channels, block.name, branch))
        result = self.graph.concat([value for value, _ in parts])
        return result, sum(count for _, count in parts)

    def conv(self, x: str, channels: int, prefix: str, conv: Conv) -> str:
        name = prefix + conv.name
        kernel, norm = self._weights[name]
        shape = (conv.channels, channels, *conv.kernel)
        sizes = {kernel.shape[0], *(len(v) for v in (norm.beta, norm.mean, norm.variance))}
        if kernel.shape != shape or sizes != {conv.channels} or kernel.dtype != np.float32:
            raise InvalidModel(f"weights of {name!r} are {kernel.shape}, not {shape}")
        return self.graph.conv(
            x, name, kernel, norm, stride=conv.stride, same=conv.same, activation="relu"
        )

    def _branch(self, x: str, channels: int, block: str, branch: Branch) -> tuple[str, int]:
        for step in branch:
            if isinstance(step, Fork):
                ways = [self.conv(x, channels, f"{block}.", conv) for conv in step.ways]
                x, channels = self.graph.concat(ways), sum(conv.channels for conv in step.ways)
            else:
                x, channels = self.conv(x, channels, f"{block}.", step), step.channels
        return x, channels

    def _pool(self, x: str, pool: Literal["average", "max"]) -> str:
        if pool == "max":
            return self.graph.max_pool(x, 3, 2)
        return self.graph.average_pool(x, 3, count_padding=self._count_padding)
