"""`timm/NAME` with a stand-in for timm; torch, where the oracle environment has it, is real."""

from __future__ import annotations

import builtins
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mitame.embedders.catalog import open_embedder
from mitame.embedders.preprocess import Recipe
from mitame.embedders.timm import recipe_of
from mitame.errors import InvalidModel, MissingExtra, UnknownEmbedder, WeightsNotFound

CONFIG: dict[str, Any] = {
    "input_size": (3, 32, 32),
    "interpolation": "bicubic",
    "mean": (0.5, 0.5, 0.5),
    "std": (0.25, 0.5, 1.0),
    "crop_pct": 0.8,
    "crop_mode": "center",
}


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without timm the error names the extra."""
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **settings: Any) -> Any:
        if name == "timm":
            raise ImportError(name)
        return real(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match="timm/resnet18") as caught:
        open_embedder("timm/resnet18")
    assert "mitame[timm]" in caught.value.remedy


def test_recipe() -> None:
    """timm's units of 0 to 1 become 0 to 255; the crop's share becomes the shorter side."""
    mean, scale = (127.5, 127.5, 127.5), (63.75, 127.5, 255.0)
    assert recipe_of(CONFIG) == Recipe((32, 32), 40, mean=mean, scale=scale)
    squash = recipe_of({**CONFIG, "crop_mode": "squash", "crop_pct": 1.0})
    assert (squash.mode, squash.resize) == ("squash", 32)
    for wrong in (
        {"crop_mode": "border"},
        {"interpolation": "nearest"},
        {"input_size": (1, 32, 32)},
    ):
        with pytest.raises(InvalidModel):
            recipe_of({**CONFIG, **wrong})


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A module `timm` whose one model averages over the picture and mixes colours."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    safe = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

    module_class: Any = torch.nn.Module

    class Mean(module_class):  # type: ignore[misc]  # its class is known to the oracle only
        def __init__(self) -> None:
            super().__init__()
            self.num_features = 5
            self.pretrained_cfg = {"license": "mit"}
            self.mix = torch.nn.Linear(3, 5)
            self.classes = torch.nn.Linear(5, 9)

        def reset_classifier(self, num_classes: int) -> None:
            assert num_classes == 0
            self.classes = torch.nn.Identity()

        def forward(self, x: Any) -> Any:
            return self.classes(self.mix(x.mean((2, 3))))

    def create_model(name: str, *, pretrained: bool) -> Any:
        assert not pretrained, "timm must read no weights: they may be a pickle"
        return Mean()

    torch.manual_seed(0)
    trained = Mean()
    safe.save_file(trained.state_dict(), tmp_path / "model.safetensors")

    def hf_hub_download(repository: str, file: str) -> str:
        if repository == "timm/mean.gone":
            raise RuntimeError("no such repository")
        return str(tmp_path / file)

    module = SimpleNamespace(
        trained=trained,
        create_model=create_model,
        get_pretrained_cfg=lambda name: SimpleNamespace(hf_hub_id=f"timm/{name}"),
        is_model=lambda name: name == "mean",
        data=SimpleNamespace(resolve_model_data_config=lambda model: CONFIG),
    )
    monkeypatch.setitem(sys.modules, "timm", module)
    hub = SimpleNamespace(hf_hub_download=hf_hub_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return module


def test_embeds(stand_in: SimpleNamespace) -> None:
    """The vector is the model's output for the normalised crop, at length 1."""
    embedder = open_embedder("timm/mean.tiny")
    spec = embedder.spec
    assert (spec.name, spec.dimension, spec.licence) == ("timm/mean.tiny", 5, "mit")
    assert len(spec.weights) == 64
    assert open_embedder("timm/mean.tiny").spec == spec
    grey = np.full((50, 60, 3), 200, np.uint8)
    model = stand_in.trained
    x = (200 - 127.5) / np.array([63.75, 127.5, 255.0])
    expected = model.mix.weight.detach().numpy() @ x + model.mix.bias.detach().numpy()
    found = embedder.embed([embedder.prepare(grey)] * 20)
    assert np.allclose(found, expected / np.linalg.norm(expected), atol=1e-5)


def test_errors(stand_in: SimpleNamespace) -> None:
    """Unknown models and weights that can't be had are told apart."""
    with pytest.raises(UnknownEmbedder, match="nothing"):
        open_embedder("timm/nothing")
    with pytest.raises(WeightsNotFound, match=r"timm/mean\.gone"):
        open_embedder("timm/mean.gone")


def test_no_pickle_is_loaded(stand_in: SimpleNamespace, tmp_path: Path) -> None:
    """A file that would run code when it is unpickled is refused, and nothing runs."""
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    (tmp_path / "model.safetensors").write_bytes(pickle.dumps({"mix.weight": Bomb()}))
    with pytest.raises(WeightsNotFound) as caught:
        open_embedder("timm/mean.tiny")
    assert "safetensors" in caught.value.remedy
    assert not ran.exists()
