"""Inception-V3: the table of its layers, both kinds of weights, and Keras as the oracle."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.embedders import inception_v3
from mitame.embedders.catalog import open_embedder
from mitame.embedders.graph import INPUT, OUTPUT, BatchNorm
from mitame.embedders.inception_v3 import (
    BLOCKS,
    DIMENSION,
    STEM,
    Convolution,
    Fork,
    build_from_file,
    build_graph,
    convolutions,
    weights_path,
)
from mitame.embedders.onnx_session import OnnxSession
from mitame.errors import InvalidModel, WeightsNotFound
from tests.embedders.torch_writer import zipped

Arrays = dict[str, NDArray[Any]]


def inputs_of() -> dict[str, int]:
    """Input channels of each convolution, followed through the network by hand."""
    found, channels = {}, 3
    for layer in STEM:
        if layer is not None:
            found[layer.name], channels = channels, layer.channels
    for block in BLOCKS:
        out = 0
        for branch in block.branches:
            inside = channels
            for step in branch:
                ways = step.ways if isinstance(step, Fork) else (step,)
                found.update({f"{block.name}.{conv.name}": inside for conv in ways})
                inside = sum(conv.channels for conv in ways)
            out += inside
        channels = out
    return found


def random_torch_weights() -> Arrays:
    """A state dict with torchvision's names and shapes, scaled so that features stay near 1."""
    random = np.random.default_rng(3)
    inputs, arrays = inputs_of(), Arrays()
    for name, conv in convolutions():
        shape = (conv.channels, inputs[name], *conv.kernel)
        spread = np.sqrt(2 / np.prod(shape[1:]))
        arrays[f"{name}.conv.weight"] = random.normal(0, spread, shape).astype(np.float32)
        for key, low, high in (
            ("weight", 0.8, 1.2),
            ("bias", -0.1, 0.3),
            ("running_mean", -0.1, 0.1),
            ("running_var", 0.8, 1.2),
        ):
            arrays[f"{name}.bn.{key}"] = random.uniform(low, high, conv.channels).astype("f4")
    arrays["fc.weight"] = np.zeros((1000, 2048), np.float32)
    return arrays


@pytest.fixture(scope="module")
def torch_weights() -> Arrays:
    return random_torch_weights()


@pytest.fixture(scope="module")
def torch_file(torch_weights: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    path.write_bytes(zipped(torch_weights))
    return path


def pictures() -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(-1, 1, (1, 3, 299, 299)).astype(np.float32)


def run(graph: bytes) -> NDArray[Any]:
    return OnnxSession(graph, name="inception").run(OUTPUT, **{INPUT: pictures()})


def test_layers() -> None:
    """94 convolutions and 21,802,784 numbers, as in Keras's summary without the top."""
    inputs = inputs_of()
    assert len(inputs) == len(list(convolutions())) == 94
    kernels = sum(c.channels * inputs[n] * int(np.prod(c.kernel)) for n, c in convolutions())
    norms = sum(3 * conv.channels for _, conv in convolutions())
    assert kernels + norms == 21_802_784


def test_from_torch_names(torch_file: Path) -> None:
    """A state dict with torchvision's names builds, and gives 2,048 features that vary."""
    features = run(build_from_file(torch_file))
    assert features.shape == (1, DIMENSION)
    assert np.isfinite(features).all()
    assert features.std() > 1e-3


def test_padding_is_told_apart(torch_weights: Arrays) -> None:
    """The two ways to average at the border give different features: the flag acts."""
    weights = inception_v3._from_torch(torch_weights)
    counted, left_out = (run(build_graph(weights, count_padding=flag)) for flag in (True, False))
    assert np.abs(counted - left_out).max() > 1e-4


def test_opens_from_the_cache(torch_file: Path, tmp_path: Path) -> None:
    """With pulled weights in the cache, the catalogue opens it; without, it says how to pull."""
    with pytest.raises(WeightsNotFound, match="inception-v3") as caught:
        open_embedder("inception-v3", cache=tmp_path)
    assert "mitame models pull inception-v3" in caught.value.remedy
    target = weights_path(tmp_path, ".pth")
    target.parent.mkdir()
    target.hardlink_to(torch_file)
    embedder = open_embedder("inception-v3", cache=tmp_path)
    picture = embedder.prepare(np.full((400, 300, 3), 90, np.uint8))
    assert picture.shape == (299, 299, 3)
    assert embedder.embed([picture]).shape == (1, DIMENSION)
    assert embedder.spec.licence == "BSD-3-Clause"


def test_wrong_weights(torch_weights: Arrays, tmp_path: Path) -> None:
    """A missing name and a wrong shape are named."""
    name = "Mixed_6b.branch7x7_2.conv.weight"
    path = tmp_path / "wrong.pth"
    path.write_bytes(zipped({key: v for key, v in torch_weights.items() if key != name}))
    with pytest.raises(InvalidModel, match="branch7x7_2"):
        build_from_file(path)
    path.write_bytes(zipped({**torch_weights, name: torch_weights[name].transpose(0, 1, 3, 2)}))
    with pytest.raises(InvalidModel, match="branch7x7_2"):
        build_from_file(path)


def as_keras(weights: dict[str, Convolution]) -> list[NDArray[Any]]:
    """The arrays in the order of Keras's layers: kernel HWIO, then beta, mean, variance."""
    arrays: list[NDArray[Any]] = []
    for name, _ in convolutions():
        kernel, norm = weights[name]
        arrays += [kernel.transpose(2, 3, 1, 0), norm.beta, norm.mean, norm.variance]
    return arrays


@pytest.mark.slow
def test_equals_keras(torch_weights: Arrays, tmp_path: Path) -> None:
    """Weights that Keras saved as .h5 give its own 2,048 features within 1e-4."""
    if "KERAS_BACKEND" not in os.environ:
        os.environ["KERAS_BACKEND"] = "torch"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own
        keras = pytest.importorskip("keras", reason="the oracle is Keras, which is not installed")
        oracle = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg")
        weights = {
            name: (kernel, BatchNorm(np.ones_like(n.gamma), n.beta, n.mean, n.variance))
            for name, (kernel, n) in inception_v3._from_torch(torch_weights).items()
        }
        assign(oracle, as_keras(weights))
        path = tmp_path / "inception.h5"
        oracle.save(path)
        expected = oracle.predict(pictures().transpose(0, 2, 3, 1), verbose=0)
    assert expected.std() > 1e-3
    assert np.abs(run(build_from_file(path)) - expected).max() < 1e-4


def assign(oracle: Any, arrays: list[NDArray[Any]]) -> None:
    """Sets the oracle's layers in the order in which they were made."""
    kinds = ("Conv2D", "BatchNormalization")
    layers = [layer for layer in oracle.layers if type(layer).__name__ in kinds]
    convs = sorted((x for x in layers if type(x).__name__ == kinds[0]), key=made)
    norms = sorted((x for x in layers if type(x).__name__ == kinds[1]), key=made)
    for index, (conv, norm) in enumerate(zip(convs, norms, strict=True)):
        kernel, beta, mean, variance = arrays[4 * index : 4 * index + 4]
        conv.set_weights([kernel])
        norm.set_weights([beta, mean, variance])


def made(layer: Any) -> int:
    """The number in a layer's name; the first has none."""
    last = layer.name.rsplit("_", 1)[-1]
    return int(last) if last.isdecimal() else 0
