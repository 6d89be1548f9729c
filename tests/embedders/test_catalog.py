"""The catalogue: every name, and every embedder on this machine through the shipped suite."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from mitame.embedders.catalog import DEFAULT, ENTRIES, Entry, entries, open_embedder
from mitame.embedders.protocol import Embedder
from mitame.errors import UnknownEmbedder, WeightsNotFound
from mitame.testing.embedders import EmbedderConformance

opened = cache(open_embedder)
PLAIN = [entry for entry in entries() if entry.dimension is not None]


def suite(entry: Entry) -> type[EmbedderConformance]:
    def embedder(self: EmbedderConformance) -> Embedder:
        return opened(entry.name)

    title = "Test" + entry.name.title().replace("-", "")
    return type(title, (EmbedderConformance,), {"embedder": embedder, "__doc__": entry.summary})


# One class per embedder that can be opened here: the default and `color` always can.
for _entry in PLAIN:
    if _entry.available():
        globals()[f"Test{_entry.name.title().replace('-', '')}"] = suite(_entry)


def test_the_suite_runs() -> None:
    """The loop above made a class for the default and for `color`."""
    assert {"TestEfficientnetLite0", "TestColor"} <= globals().keys()


def test_default() -> None:
    """The default is in the catalogue, needs no extra and is there."""
    (entry,) = [entry for entry in ENTRIES if entry.name == DEFAULT]
    assert not entry.extra
    assert entry.available()


@pytest.mark.parametrize("entry", PLAIN, ids=lambda entry: entry.name)
def test_entry_tells_the_truth(entry: Entry) -> None:
    """Dimension, licence and name are those of the opened embedder, or it can't be opened."""
    if not entry.available():
        with pytest.raises(WeightsNotFound):
            open_embedder(entry.name)
        return
    spec = opened(entry.name).spec
    assert (spec.name, spec.dimension) == (entry.name, entry.dimension)
    assert spec.licence == entry.licence


def test_unknown() -> None:
    """An unknown name is told with the nearest known one."""
    with pytest.raises(UnknownEmbedder, match="did you mean 'efficientnet-lite0'"):
        open_embedder("efficientnet_lite0")
    with pytest.raises(UnknownEmbedder, match="did you mean 'color'"):
        open_embedder("Colour")
    for name in ("", "zzz", "onnx", "timm", "color2345678901", "x" * 10_000):
        with pytest.raises(UnknownEmbedder) as caught:
            open_embedder(name)
        assert len(caught.value.line()) < 400


def test_available_looks_into_the_cache(tmp_path: Path) -> None:
    """Inception-V3 is there when its weights were pulled."""
    (entry,) = [entry for entry in ENTRIES if entry.name == "inception-v3"]
    assert not entry.available(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "inception-v3.h5").write_bytes(b"")
    assert entry.available(tmp_path)


def test_listing_is_light() -> None:
    """Importing the catalogue and asking what is available imports no runtime and no Pillow."""
    heavy = "{'onnx', 'onnxruntime', 'PIL', 'torch', 'timm', 'h5py', 'httpcore', 'tokenizers'}"
    code = (
        "import sys; from mitame.embedders.catalog import entries;"
        "[e.available() for e in entries()];"
        f"print(sorted({heavy} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
