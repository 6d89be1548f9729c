"""Small ONNX models, made in the tests: averages of colours, and a bag of words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[Any]


def save(
    path: Path,
    nodes: list[Any],
    inputs: Mapping[str, tuple[int, Shape]],
    output: tuple[str, Shape],
    weights: Mapping[str, NDArray[Any]] | None = None,
    domains: Sequence[str] = ("",),
) -> Path:
    """A model file with float output."""
    sources = [helper.make_tensor_value_info(k, t, list(shape)) for k, (t, shape) in inputs.items()]
    target = helper.make_tensor_value_info(output[0], TensorProto.FLOAT, list(output[1]))
    tensors = [numpy_helper.from_array(value, key) for key, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "small", sources, [target], tensors)
    opsets = [helper.make_opsetid(domain, 13 if not domain else 1) for domain in domains]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def write_sidecar(path: Path, **keys: Any) -> Path:
    """The sidecar beside a model; returns the model's path."""
    data = {"name": "small", "size": 16, **keys}
    path.with_name(f"{path.name}.json").write_text(json.dumps(data), "utf-8")
    return path


def color_model(
    path: Path, *, side: int = 16, batch: str | int = "n", layout: str = "nchw"
) -> Path:
    """A 3x3 convolution to 8 channels, 4-D output [n, 8, side - 2, side - 2]."""
    kernel = np.random.default_rng(5).normal(size=(8, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    shape: Shape = [batch, 3, side, side]
    if layout == "nhwc":
        shape = [batch, side, side, 3]
        nodes = [
            helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["t", "w"], ["y"]),
        ]
    inputs = {"x": (TensorProto.FLOAT, shape)}
    return save(path, nodes, inputs, ("y", [batch, 8, side - 2, side - 2]), {"w": kernel})


def text_model(
    path: Path, *, words: int = 20, dimension: int = 8, kind: int = TensorProto.INT64
) -> Path:
    """The mean of word vectors under a mask: ids and mask [n, length] to [n, dimension]."""
    table = np.random.default_rng(6).normal(size=(words, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Cast", ["mask"], ["m"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["m", "axis"], ["m3"]),
        helper.make_node("Mul", ["rows", "m3"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis1"], ["y"], keepdims=0),
    ]
    inputs = {name: (kind, ["n", "length"]) for name in ("ids", "mask")}
    weights = {"table": table, "axis": np.array([2]), "axis1": np.array([1])}
    return save(path, nodes, inputs, ("y", ["n", dimension]), weights)


VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "mug", "##s", "chair", "blue", "!"]


def two_towers(folder: Path, **text: Any) -> Path:
    """A picture model and a text model of the same dimension, with sidecar and vocabulary."""
    path = color_model(folder / "small.onnx")
    text_model(folder / "text.onnx")
    (folder / "vocabulary.txt").write_text("\n".join(VOCABULARY), "utf-8")
    side = {
        "model": "text.onnx",
        "tokenizer": "vocabulary.txt",
        "length": 6,
        "input": "ids",
        "mask": "mask",
        **text,
    }
    return write_sidecar(path, pooling="average", text=side)
