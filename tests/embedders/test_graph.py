"""The graph builder: each layer against NumPy done plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.embedders.graph import INPUT, OUTPUT, BatchNorm, GraphBuilder, fold
from mitame.embedders.onnx_session import OnnxSession
from mitame.errors import InvalidModel

Array = NDArray[Any]


def norm(random: np.random.Generator, channels: int) -> BatchNorm:
    gamma, beta, mean = (random.normal(size=channels).astype(np.float32) for _ in range(3))
    return BatchNorm(gamma, beta, mean, random.uniform(0.1, 2, channels).astype(np.float32), 1e-3)


def normalised(x: Array, by: BatchNorm) -> Array:
    parts = (by.mean, by.variance, by.gamma, by.beta)
    mean, variance, gamma, beta = (part[:, None, None] for part in parts)
    return np.asarray((x - mean) / np.sqrt(variance + by.eps) * gamma + beta)


def convolved(x: Array, kernel: Array, stride: int, *, same: bool, groups: int) -> Array:
    """The definition, one output pixel after the other; SAME as TensorFlow defines it."""
    _, _, height, width = kernel.shape
    if same:
        pads = []
        for side, size in zip(x.shape[2:], (height, width), strict=True):
            total = max(((side - 1) // stride) * stride + size - side, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, [(0, 0), (0, 0), *pads])
    rows, columns = (x.shape[2] - height) // stride + 1, (x.shape[3] - width) // stride + 1
    out = np.zeros((len(x), len(kernel), rows, columns))
    per_group = len(kernel) // groups
    for o in range(len(kernel)):
        first = o // per_group * kernel.shape[1]
        part = x[:, first : first + kernel.shape[1]]
        for r in range(rows):
            for c in range(columns):
                window = part[
                    :, :, r * stride : r * stride + height, c * stride : c * stride + width
                ]
                out[:, o, r, c] = (window * kernel[o]).sum((1, 2, 3))
    return out


@settings(max_examples=25, deadline=None)
@given(
    side=st.integers(5, 9),
    size=st.sampled_from([(1, 1), (3, 3), (5, 5), (1, 3), (3, 1)]),
    stride=st.integers(1, 2),
    same=st.booleans(),
    depthwise=st.booleans(),
    activation=st.sampled_from(["none", "relu", "relu6"]),
)
def test_convolution(
    side: int, size: tuple[int, int], stride: int, same: bool, depthwise: bool, activation: Any
) -> None:
    """Convolution with folded batch norm and activation equals the three done one by one."""
    random = np.random.default_rng(side)
    kernel = random.normal(size=(4, 1 if depthwise else 3, *size)).astype(np.float32)
    inputs, groups = (4, 4) if depthwise else (3, 1)
    by = norm(random, 4)
    builder = GraphBuilder("test")
    wide = random.normal(size=(inputs, 3, 1, 1)).astype(np.float32)
    plain = BatchNorm(np.ones(inputs), np.zeros(inputs), np.zeros(inputs), np.ones(inputs), 0)
    first = builder.conv(INPUT, "first", wide, plain)
    second = builder.conv(
        first, "second", kernel, by, stride=stride, same=same, groups=groups, activation=activation
    )
    builder.pooled(second)
    session = OnnxSession(builder.to_bytes((side, side + 2), 4), name="test")
    x = random.normal(size=(2, 3, side + 2, side)).astype(np.float32)
    middle = convolved(x, wide, 1, same=True, groups=1)
    expected = normalised(convolved(middle, kernel, stride, same=same, groups=groups), by)
    expected = expected if activation == "none" else np.maximum(expected, 0)
    expected = np.minimum(expected, 6) if activation == "relu6" else expected
    assert np.allclose(session.run(OUTPUT, **{INPUT: x}), expected.mean((2, 3)), atol=1e-4)


def test_fold_is_exact() -> None:
    """Folding in double precision loses nothing that float32 could keep."""
    random = np.random.default_rng(0)
    kernel, by = random.normal(size=(4, 3, 1, 1)).astype(np.float32), norm(random, 4)
    weights, bias = fold(kernel, by)
    x = random.normal(size=3)
    direct = normalised((kernel[:, :, 0, 0] @ x)[:, None, None], by)[:, 0, 0]
    assert np.allclose(weights[:, :, 0, 0] @ x + bias, direct, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("counted", [True, False])
def test_average_pool(counted: bool) -> None:
    """Padded zeros count in the mean, or do not: corners tell."""
    builder = GraphBuilder("test")
    pooled = builder.average_pool(INPUT, 3, count_padding=counted)
    builder.pooled(builder.concat([pooled, builder.add(pooled, INPUT)]))
    session = OnnxSession(builder.to_bytes((2, 2), 6), name="test")
    found = session.run(OUTPUT, **{INPUT: np.full((1, 3, 2, 2), 9, np.float32)})
    mean = 4.0 if counted else 9.0
    assert np.allclose(found, [[mean] * 3 + [mean + 9] * 3])


def test_max_pool() -> None:
    """Largest of each window, no padding."""
    builder = GraphBuilder("test")
    builder.pooled(builder.max_pool(INPUT, 3, 2))
    session = OnnxSession(builder.to_bytes((5, 5), 3), name="test")
    x = np.arange(75, dtype=np.float32).reshape(1, 3, 5, 5)
    expected = x[:, :, [2, 2, 4, 4], [2, 4, 2, 4]].mean(2)
    assert np.allclose(session.run(OUTPUT, **{INPUT: x}), expected)


def test_same_model_same_bytes() -> None:
    """Building twice gives the same file."""
    made = []
    for _ in range(2):
        builder = GraphBuilder("test")
        builder.pooled(builder.max_pool(INPUT, 2, 2))
        made.append(builder.to_bytes((4, 4), 3))
    assert made[0] == made[1]


def test_session_errors() -> None:
    """What ONNX Runtime refuses is InvalidModel with the model's name and one line."""
    with pytest.raises(InvalidModel, match="model junk can't be loaded") as caught:
        OnnxSession(b"not a model", name="junk")
    assert "\n" not in caught.value.message
    builder = GraphBuilder("test")
    builder.pooled(builder.max_pool(INPUT, 2, 2))
    session = OnnxSession(builder.to_bytes((4, 4), 3), name="small", threads=2)
    assert session.inputs[INPUT][0] == "tensor(float)"
    assert session.outputs[OUTPUT][1][1] == 3
    with pytest.raises(InvalidModel, match="model small fails"):
        session.run(OUTPUT, **{INPUT: np.zeros((1, 3, 9, 9), np.float32)})
