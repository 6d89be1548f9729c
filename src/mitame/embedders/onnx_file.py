"""`onnx:PATH`: any picture model in an ONNX file, described by a sidecar ``PATH.json``.

The sidecar's keys are those of `mitame.embedders.sidecar`. Numbers that lie outside of the model's
file are read only from its own folder; operators from outside of ONNX Runtime are never loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.cache import file_sha256
from mitame.embedders.network import NetworkEmbedder
from mitame.embedders.onnx_session import OnnxSession
from mitame.embedders.preprocess import Recipe, unit
from mitame.embedders.protocol import EmbedderSpec, Vectors
from mitame.embedders.sidecar import Pooling, Sidecar, parse_sidecar
from mitame.embedders.text_tower import TextTower
from mitame.errors import InvalidModel, UsageError, WeightsNotFound

MAX_BYTES = 8 << 30
FLOATS = "tensor(float)"


class TwoTowerEmbedder(NetworkEmbedder):
    """A picture network with a text network that answers in the same space."""

    def __init__(
        self,
        spec: EmbedderSpec,
        recipe: Recipe,
        run: Callable[[NDArray[np.float32]], NDArray[Any]],
        tower: TextTower,
        *,
        batch_size: int,
    ) -> None:
        super().__init__(spec, recipe, run, batch_size=batch_size)
        self._tower = tower

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Texts to float32[len(texts), dimension] in the space of the pictures.

        Raises:
            UsageError: not a sequence of strings.
            InvalidModel: the text network fails, or gives another dimension.
        """
        if isinstance(texts, str):
            raise UsageError("texts must be a list of strings", remedy="put the text into a list")
        vectors = self._tower.run(texts, self.spec.dimension)
        return unit(vectors) if self.spec.distance == "cosine" else vectors


def open_onnx_file(path: Path, *, threads: int = 1) -> NetworkEmbedder:
    """The embedder of an ONNX file; a `TwoTowerEmbedder` where the sidecar has ``text``.

    Raises:
        WeightsNotFound: the model, its sidecar or a file that they name is missing.
        InvalidModel: sidecar and model do not fit together, or the model can't be used.
        MissingExtra: the text side needs a package that is not installed.
    """
    sidecar = read_sidecar(path)
    weights = check_model(path)
    session = OnnxSession(path, name=path.name, threads=threads)
    run = picture_runner(session, sidecar, path.name)
    dimension = probe(run, sidecar)
    spec = _spec(sidecar, weights, dimension)
    if sidecar.text is None:
        return NetworkEmbedder(spec, sidecar.recipe, run, batch_size=sidecar.batch)
    check_model(path.parent / sidecar.text.model)
    tower = TextTower(path.parent, sidecar.text, threads=threads)
    return TwoTowerEmbedder(spec, sidecar.recipe, run, tower, batch_size=sidecar.batch)


def read_sidecar(path: Path) -> Sidecar:
    """The sidecar of the model at `path`.

    Raises:
        WeightsNotFound: there is no model or no sidecar.
        InvalidModel: see `parse_sidecar`.
    """
    beside = path.with_name(f"{path.name}.json")
    for file, remedy in ((path, "check the path"), (beside, "write one, see docs: onnx models")):
        if not file.is_file():
            raise WeightsNotFound(f"there is no file {file}", remedy=remedy)
    try:
        return parse_sidecar(beside.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidModel(f"{beside.name} can't be read ({type(error).__name__})") from error
    except InvalidModel as error:
        raise InvalidModel(f"{beside.name}: {error.message}", remedy=error.remedy) from error


def check_model(path: Path) -> str:
    """SHA-256 of the model and, if there are any, of its external data files, in hex.

    Raises:
        WeightsNotFound: the model or an external file is missing.
        InvalidModel: not ONNX, too large, or external data outside of the model's folder.
    """
    if not path.is_file():
        raise WeightsNotFound(f"there is no file {path}", remedy="check the path")
    files = [path, *external_files(path)]
    if sum(file.stat().st_size for file in files) > MAX_BYTES:
        raise InvalidModel(f"model {path.name} has over {MAX_BYTES >> 30} GiB")
    digests = [file_sha256(file) for file in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def external_files(path: Path) -> list[Path]:
    """Files beside the model in which its tensors lie, sorted by name.

    Raises:
        WeightsNotFound, InvalidModel: as `check_model`.
    """
    import onnx  # 0.2 s that only this kind of embedder pays

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's errors share no public base class
        raise InvalidModel(f"{path.name} is not an ONNX model ({type(error).__name__})") from error
    locations = {place for tensor in _tensors(model) for place in _location(tensor)}
    return [_inside(path, location) for location in sorted(locations)]


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a protobuf message, wherever it is: initialisers, constants, subgraphs."""
    pending = [message]
    while pending:
        current = pending.pop()
        if current.DESCRIPTOR.name == "TensorProto":
            yield current
            continue
        for field, value in current.ListFields():
            if field.message_type is not None:
                pending.extend([value] if hasattr(value, "DESCRIPTOR") else value)


def _location(tensor: Any) -> list[str]:
    if tensor.data_location != tensor.EXTERNAL:
        return []
    places = [entry.value for entry in tensor.external_data if entry.key == "location"]
    if len(places) != 1:
        raise InvalidModel(
            f"tensor {tensor.name[:80]!r} lies in another file that it does not name"
        )
    return places


def _inside(path: Path, location: str) -> Path:
    folder = path.parent.resolve()
    file = (folder / location).resolve()
    if not file.is_relative_to(folder):
        raise InvalidModel(
            f"model {path.name} wants data from outside of its folder: {location[:200]!r}",
            remedy="copy model and data into one folder and save the model again",
        )
    if not file.is_file():
        raise WeightsNotFound(
            f"model {path.name} lacks its data file {location[:200]!r}", remedy="copy it too"
        )
    return file


def picture_runner(
    session: OnnxSession, sidecar: Sidecar, name: str
) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """What feeds a batch, float32[n, 3, height, width] in RGB, and pools the result.

    Raises:
        InvalidModel: inputs or outputs are not those of the sidecar.
    """
    source = pick(session.inputs, sidecar.input, "input", name)
    target = pick(session.outputs, sidecar.output, "output", name)
    if session.inputs[source][0] != FLOATS:
        raise InvalidModel(f"model {name} takes {session.inputs[source][0]}, not {FLOATS}")

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        if sidecar.colors == "bgr":
            batch = batch[:, ::-1]
        if sidecar.layout == "nhwc":
            batch = batch.transpose(0, 2, 3, 1)
        features = pool(
            session.run(target, **{source: np.ascontiguousarray(batch)}), sidecar.pooling
        )
        lengthen = sidecar.normalise and sidecar.distance != "cosine"
        return unit(features.astype(np.float32)) if lengthen else features

    return run


def pick(known: dict[str, Any], name: str | None, kind: str, model: str) -> str:
    """The named input or output, or the only one."""
    if name is None and len(known) == 1:
        return next(iter(known))
    if name is None or name not in known:
        raise InvalidModel(
            f"model {model} has no {kind} {name!r}"
            if name
            else f"model {model} has several {kind}s",
            remedy=f"set '{kind}' in the sidecar to one of: {', '.join(list(known)[:20])}",
        )
    return name


def pool(features: NDArray[Any], pooling: Pooling) -> NDArray[Any]:
    """A model's output as [n, dimension].

    Raises:
        InvalidModel: its axes do not fit the sidecar's ``pooling``.
    """
    if pooling == "none" and features.ndim == 2:
        return features
    if pooling == "first" and features.ndim == 3:
        return features[:, 0]
    if pooling in ("average", "max") and features.ndim in (3, 4):
        axes = (2, 3) if features.ndim == 4 else 1
        return np.asarray(features.mean(axes) if pooling == "average" else features.max(axes))
    raise InvalidModel(
        f"the model's output has {features.ndim} axes, which 'pooling' {pooling!r} does not fit",
        remedy="set 'pooling' in the sidecar to average, max, first or none",
    )


def probe(run: Callable[[NDArray[np.float32]], NDArray[Any]], sidecar: Sidecar) -> int:
    """The dimension, from running one grey batch; shows early that model and sidecar fit."""
    width, height = sidecar.recipe.size
    features = run(np.zeros((sidecar.batch, 3, height, width), np.float32))
    if features.ndim != 2 or len(features) != sidecar.batch or not 1 <= features.shape[1] <= 65_536:
        raise InvalidModel(f"the model's output of shape {features.shape} holds no feature vectors")
    return int(features.shape[1])


def _spec(sidecar: Sidecar, weights: str, dimension: int) -> EmbedderSpec:
    extra = {key: getattr(sidecar, key) for key in ("layout", "colors", "pooling", "normalise")}
    names = {"input": sidecar.input, "output": sidecar.output}
    return EmbedderSpec(
        name=sidecar.name,
        weights=weights,
        input_size=sidecar.recipe.size,
        preprocessing={**sidecar.recipe.as_json(), **extra, **names},
        dimension=dimension,
        distance=sidecar.distance,
        licence=sidecar.licence,
        same_at=sidecar.same_at,
        similar_at=sidecar.similar_at,
    )
