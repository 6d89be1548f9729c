"""A small builder of ONNX graphs: the layers that the networks here are made of, and no others.

Every layer takes the name of a value and returns the name of its result. Batch norms are folded
into the convolution before them: ``w' = w * g / sqrt(v + eps)``, ``b' = b - m * g / sqrt(v + eps)``
(Ioffe and Szegedy 2015, algorithm 2). The input is float32[n, 3, height, width], already
normalised (a cast and a transposition in the graph cost ten times what NumPy takes for them); n is
free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]
Activation = Literal["none", "relu", "relu6"]

OPSET = 13
IR_VERSION = 8
INPUT = "pictures"
OUTPUT = "features"


@dataclass(frozen=True)
class BatchNorm:
    """What a trained batch norm does to each of its channels; all float[channels].

    Attributes:
        gamma, beta: scale and shift.
        mean, variance: the running statistics.
        eps: added to the variance.
    """

    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    eps: float = 1e-3


def fold(kernel: Array, norm: BatchNorm) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel float[out, in, h, w] and bias float[out] that do convolution and batch norm in one."""
    factor = norm.gamma.astype(np.float64) / np.sqrt(norm.variance.astype(np.float64) + norm.eps)
    bias = norm.beta.astype(np.float64) - norm.mean.astype(np.float64) * factor
    return (kernel * factor[:, None, None, None]).astype(np.float32), bias.astype(np.float32)


class GraphBuilder:
    """Collects nodes and weights; `to_bytes` gives the model file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._weights: dict[str, Array] = {}

    def weight(self, name: str, values: Array) -> str:
        """A constant of the graph."""
        self._weights[name] = np.ascontiguousarray(values)
        return name

    def node(self, kind: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """One ONNX operator with one result."""
        from onnx import helper  # 0.2 s that only a program which builds pays

        result = name or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [result], result, **attributes))
        return result

    def conv(
        self,
        x: str,
        name: str,
        kernel: Array,
        norm: BatchNorm,
        *,
        stride: int = 1,
        same: bool = True,
        groups: int = 1,
        activation: Activation = "none",
    ) -> str:
        """Convolution, batch norm and activation.

        Args:
            x: float[n, in, height, width].
            name: unique in the graph.
            kernel: float[out, in / groups, height, width].
            norm: folded into the kernel.
            stride: in both directions.
            same: pad so that the result has ceil(side / stride) pixels, the odd one at the end;
                no padding otherwise.
            groups: equal to the channels for a depthwise convolution.
            activation: ``relu6`` is min(max(x, 0), 6).
        """
        weights, bias = fold(kernel, norm)
        inputs = [x, self.weight(f"{name}.weight", weights), self.weight(f"{name}.bias", bias)]
        result = self.node(
            "Conv",
            inputs,
            name,
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=groups,
            auto_pad="SAME_UPPER" if same else "VALID",
        )
        return self._activate(result, activation)

    def max_pool(self, x: str, side: int, stride: int) -> str:
        """Largest value in each window; no padding."""
        return self.node("MaxPool", [x], kernel_shape=[side, side], strides=[stride, stride])

    def average_pool(self, x: str, side: int, *, count_padding: bool) -> str:
        """Mean of each window at stride 1, zero-padded to the same size.

        Args:
            x: float[n, channels, height, width].
            side: of the window, odd.
            count_padding: padded zeros count in the mean (PyTorch's default; TensorFlow's not).
        """
        edge = side // 2
        return self.node(
            "AveragePool",
            [x],
            kernel_shape=[side, side],
            strides=[1, 1],
            pads=[edge] * 4,
            count_include_pad=int(count_padding),
        )

    def add(self, a: str, b: str) -> str:
        """Sum of two values of the same shape."""
        return self.node("Add", [a, b])

    def concat(self, parts: Sequence[str]) -> str:
        """Channels of all parts, one after the other."""
        return self.node("Concat", parts, axis=1)

    def pooled(self, x: str) -> str:
        """Mean over height and width, float[n, channels]: the graph's output."""
        pooled = self.node("GlobalAveragePool", [x])
        return self.node("Flatten", [pooled], OUTPUT, axis=1)

    def unpooled(self, x: str) -> str:
        """float[n, channels, height, width] as it is: the graph's output, in place of `pooled`."""
        return self.node("Identity", [x], OUTPUT)

    def to_bytes(self, size: Pair, dimension: int, *, is_pooled: bool = True) -> bytes:
        """The finished model file for inputs of `size` (width, height), checked by `onnx`."""
        import onnx  # see node()
        from onnx import helper, numpy_helper  # see node()

        shape: list[str | int | None] = ["n", 3, size[1], size[0]]
        source = helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, shape)
        wide: list[str | int | None] = ["n", dimension, *([] if is_pooled else ["y", "x"])]
        target = helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, wide)
        weights = [numpy_helper.from_array(value, key) for key, value in self._weights.items()]
        graph = helper.make_graph(self._nodes, self._name, [source], [target], weights)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _activate(self, x: str, activation: Activation) -> str:
        if activation == "relu":
            return self.node("Relu", [x])
        if activation == "relu6":
            low = self.weight("zero", np.asarray(0, np.float32))
            high = self.weight("six", np.asarray(6, np.float32))
            return self.node("Clip", [x, low, high])
        return x
