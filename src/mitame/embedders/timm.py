"""`timm/NAME`: any picture model of the package timm, run by PyTorch on the CPU.

Input size, crop, mean and deviation come from the model's own configuration; the classifier is
left out, so that the model gives its pooled features. Weights come from safetensors files alone,
by ourselves: what timm would read where a model has none may be a pickle. torch is imported nowhere
else in this room. The code has been run against a small stand-in for timm only: the real package
needs torchvision.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.network import NetworkEmbedder
from mitame.embedders.preprocess import Mode, Recipe, Triple
from mitame.embedders.protocol import EmbedderSpec
from mitame.embedders.resample import Filter
from mitame.errors import InvalidModel, MissingExtra, UnknownEmbedder, WeightsNotFound

BATCH = 8
FILTERS = ("bicubic", "bilinear", "lanczos")
SAFETENSORS = "model.safetensors"
MODES = {"center": "crop", "squash": "squash"}


def open_timm(name: str, *, threads: int = 1) -> NetworkEmbedder:
    """The embedder of a timm model with its pretrained weights.

    Args:
        name: as `timm.create_model` takes it, e.g. ``convnext_tiny.in12k``.
        threads: cores that torch may use; torch has one such number for the whole program.

    Raises:
        MissingExtra: timm or torch is not installed.
        UnknownEmbedder: timm has no such model.
        WeightsNotFound: its weights can't be had.
        InvalidModel: its configuration can't be followed.
    """
    try:
        import huggingface_hub  # comes with timm
        import safetensors.torch  # comes with timm
        import timm  # an optional dependency
        import torch  # an optional dependency
    except ImportError as error:
        raise MissingExtra(f"embedder timm/{name}", "timm") from error
    read = safetensors.torch.load_file
    model = _load(timm, name, lambda hub: read(huggingface_hub.hf_hub_download(hub, SAFETENSORS)))
    torch.set_num_threads(max(1, threads))
    recipe = recipe_of(timm.data.resolve_model_data_config(model))

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        with torch.inference_mode():
            return cast(NDArray[Any], model(torch.from_numpy(batch)).float().numpy())

    return NetworkEmbedder(_spec(name, model, recipe), recipe, run, batch_size=BATCH)


def _load(timm: Any, name: str, fetch: Callable[[str], Mapping[str, Any]]) -> Any:
    """The model with the weights that `fetch` has from a repository of the hub."""
    if not timm.is_model(name.partition(".")[0]):
        raise UnknownEmbedder(
            f"timm has no model {name!r}", remedy="list them with timm.list_models()"
        )
    try:
        hub = timm.get_pretrained_cfg(name).hf_hub_id
        model = timm.create_model(name, pretrained=False)
        model.load_state_dict(fetch(hub))
        model.reset_classifier(0)
        return model.train(mode=False)
    except Exception as error:  # network, disk and hub errors share no base class
        raise WeightsNotFound(
            f"the weights of timm/{name} can't be loaded ({type(error).__name__})",
            remedy=f"check the network, or put its {SAFETENSORS} into the hub's cache directory; "
            "a model without such a file can't be used",
        ) from error


def recipe_of(config: Mapping[str, Any]) -> Recipe:
    """The recipe of timm's data configuration; its mean and deviation are in units of 0 to 1.

    Raises:
        InvalidModel: not three channels, or an unknown filter or crop.
    """
    channels, height, width = config["input_size"]
    name, crop = config.get("interpolation", "bicubic"), config.get("crop_mode", "center")
    if channels != 3 or name not in FILTERS or crop not in MODES:
        raise InvalidModel(f"timm asks for {channels} channels, filter {name!r}, crop {crop!r}")
    share = float(config.get("crop_pct") or 1)
    resize = max(math.floor(min(height, width) / share), height, width)
    mean, deviation = ([value * 255 for value in config[key]] for key in ("mean", "std"))
    return Recipe(
        (width, height),
        resize,
        mode=cast(Mode, MODES[crop]),
        filter=cast(Filter, name),
        mean=cast(Triple, tuple(mean)),
        scale=cast(Triple, tuple(deviation)),
    )


def _spec(name: str, model: Any, recipe: Recipe) -> EmbedderSpec:
    configuration = getattr(model, "pretrained_cfg", None) or {}
    return EmbedderSpec(
        name=f"timm/{name}",
        weights=state_sha256(model),
        input_size=recipe.size,
        preprocessing=recipe.as_json(),
        dimension=int(model.num_features),
        licence=str(configuration.get("license") or ""),
    )


def state_sha256(model: Any) -> str:
    """SHA-256 over names and numbers of a model's state, in hex."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()
