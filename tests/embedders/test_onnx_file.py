"""`onnx:PATH`: the sidecar's settings act, and models that can't be used are refused."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mitame.embedders.catalog import open_embedder
from mitame.embedders.onnx_file import TwoTowerEmbedder, open_onnx_file, pool
from mitame.embedders.preprocess import normalise, unit
from mitame.embedders.protocol import Embedder, TextEmbedder
from mitame.errors import InvalidModel, UsageError, WeightsNotFound
from mitame.testing.embedders import EmbedderConformance, sample_pictures
from tests.embedders.small_models import color_model, save, two_towers, write_sidecar

PICTURE = sample_pictures()[-1]


def vector(embedder: Embedder) -> Any:
    return embedder.embed([embedder.prepare(PICTURE)])[0]


class TestOnnxFile(EmbedderConformance):
    """A file with one tower passes the shipped suite."""

    @pytest.fixture(autouse=True)
    def _open(self, tmp_path: Path) -> None:
        path = write_sidecar(color_model(tmp_path / "m.onnx"), pooling="max", batch=4)
        self._embedder = open_embedder(f"onnx:{path}")

    def embedder(self) -> Embedder:
        return self._embedder


class TestTwoTowers(EmbedderConformance):
    """A file with a text side passes it too, with its texts."""

    @pytest.fixture(autouse=True)
    def _open(self, tmp_path: Path) -> None:
        self._embedder = open_onnx_file(two_towers(tmp_path))

    def embedder(self) -> Embedder:
        return self._embedder

    def test_has_texts(self) -> None:
        """It is a TextEmbedder: otherwise the suite's test of texts would show nothing."""
        assert isinstance(self.embedder(), TextEmbedder)


def test_result(tmp_path: Path) -> None:
    """The vector is the pooled, normalised output of the model on the normalised picture."""
    path = color_model(tmp_path / "m.onnx")
    embedder = open_onnx_file(write_sidecar(path, pooling="average", mean=100, scale=50))
    kernel = onnx.numpy_helper.to_array(onnx.load(str(path)).graph.initializer[0])
    x = (embedder.prepare(PICTURE).astype(np.float64) - 100) / 50
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (0, 1))
    features = np.einsum("hwcij,ocij->o", windows, kernel) / windows.shape[0] / windows.shape[1]
    assert np.allclose(vector(embedder), features / np.linalg.norm(features), atol=1e-4)


def test_layout_and_colours(tmp_path: Path) -> None:
    """NHWC gives what NCHW gives; BGR gives what RGB gives for swapped channels."""
    plain = open_onnx_file(write_sidecar(color_model(tmp_path / "a.onnx"), pooling="average"))
    path = write_sidecar(
        color_model(tmp_path / "b.onnx", layout="nhwc"), pooling="average", layout="nhwc"
    )
    assert np.allclose(vector(plain), vector(open_onnx_file(path)), atol=1e-5)
    path = write_sidecar(color_model(tmp_path / "c.onnx"), pooling="average", colors="bgr")
    swapped = open_onnx_file(path)
    a = plain.embed([plain.prepare(PICTURE)])
    b = swapped.embed([swapped.prepare(np.ascontiguousarray(PICTURE[..., ::-1]))])
    assert np.allclose(a, b, atol=1e-5)


def test_distance(tmp_path: Path) -> None:
    """Euclidean vectors keep their length unless the sidecar wants it to be 1."""
    path = write_sidecar(color_model(tmp_path / "m.onnx"), pooling="max", distance="euclidean")
    free = vector(open_onnx_file(path))
    assert abs(np.linalg.norm(free) - 1) > 0.1
    write_sidecar(path, pooling="max", distance="euclidean", normalise=True)
    assert np.allclose(vector(open_onnx_file(path)), unit(free[None])[0], atol=1e-5)


def test_spec(tmp_path: Path) -> None:
    """The spec carries the sidecar's words and the file's hash; settings change the fingerprint."""
    path = write_sidecar(
        color_model(tmp_path / "m.onnx"), pooling="max", licence="MIT", same_at=0.9
    )
    spec = open_onnx_file(path).spec
    assert (spec.name, spec.licence, spec.dimension, spec.same_at) == ("small", "MIT", 8, 0.9)
    assert spec.weights == hashlib.sha256(path.read_bytes()).hexdigest()
    write_sidecar(path, pooling="average", licence="MIT")
    assert open_onnx_file(path).spec.fingerprint != spec.fingerprint


def test_pooling_by_axes() -> None:
    """Each pooling on outputs of two, three and four axes, and where it does not fit."""
    four = np.arange(24.0).reshape(1, 2, 3, 4)
    three = four[0]
    assert pool(four, "average").tolist() == [[5.5, 17.5]]
    assert pool(four, "max").tolist() == [[11, 23]]
    assert pool(three, "first").tolist() == [[0, 1, 2, 3], [12, 13, 14, 15]]
    assert pool(three, "average").tolist() == [[4, 5, 6, 7], [16, 17, 18, 19]]
    assert pool(three[0], "none") is not None
    for features, pooling in (
        (four, "none"),
        (four, "first"),
        (three[0], "max"),
        (three[0, 0], "none"),
    ):
        with pytest.raises(InvalidModel, match="pooling"):
            pool(features, pooling)  # type: ignore[arg-type]  # a tuple loses the Literal


def test_fixed_batch(tmp_path: Path) -> None:
    """A model for exactly one picture at a time works with any number of pictures."""
    path = write_sidecar(color_model(tmp_path / "m.onnx", batch=1), pooling="max")
    embedder = open_onnx_file(path)
    prepared = [embedder.prepare(picture) for picture in sample_pictures()]
    assert embedder.embed(prepared).shape == (len(prepared), 8)


def external(path: Path, location: str) -> Path:
    """The colour model with its kernel in another file."""
    color_model(path)
    model = onnx.load(str(path))
    kernel = model.graph.initializer[0]
    raw = kernel.raw_data
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(raw)))):
        entry = kernel.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())
    target = path.parent / location
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(raw)
    return write_sidecar(path, pooling="max")


def test_external_data(tmp_path: Path) -> None:
    """Numbers in a file beside the model are read, and count for the weights' hash."""
    plain = open_onnx_file(write_sidecar(color_model(tmp_path / "p.onnx"), pooling="max"))
    path = external(tmp_path / "m.onnx", "numbers.bin")
    embedder = open_onnx_file(path)
    assert np.allclose(vector(embedder), vector(plain), atol=1e-6)
    (tmp_path / "numbers.bin").write_bytes(bytes(8 * 27 * 4 - 4) + b"\0\0\x80\x3f")
    assert open_onnx_file(path).spec.weights != embedder.spec.weights


def test_external_data_outside(tmp_path: Path) -> None:
    """Data in a folder above, at an absolute path or behind a link out is refused."""
    inside = tmp_path / "models"
    inside.mkdir()
    for location in ("../numbers.bin", str(tmp_path / "absolute.bin")):
        with pytest.raises(InvalidModel, match="outside"):
            open_onnx_file(external(inside / "m.onnx", location))
    (inside / "link.bin").symlink_to(tmp_path / "numbers.bin")
    with pytest.raises(InvalidModel, match="outside"):
        open_onnx_file(external(inside / "m.onnx", "link.bin"))
    path = external(inside / "m.onnx", "gone.bin")
    (inside / "gone.bin").unlink()
    with pytest.raises(WeightsNotFound, match=r"gone\.bin"):
        open_onnx_file(path)


def test_external_data_hidden_in_a_subgraph(tmp_path: Path) -> None:
    """A tensor in a constant of a branch is found as well."""
    tensor = helper.make_tensor("c", TensorProto.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"
    constant = helper.make_node("Constant", [], ["v"], value=tensor)
    info = helper.make_tensor_value_info("v", TensorProto.FLOAT, [1])
    branch = helper.make_graph([constant], "branch", [], [info])
    node = helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch)
    flag = np.array(True)
    path = save(tmp_path / "m.onnx", [node], {"x": (1, ["n"])}, ("y", [1]), {"flag": flag})
    with pytest.raises(InvalidModel, match="outside"):
        open_onnx_file(write_sidecar(path))


def test_custom_operators(tmp_path: Path) -> None:
    """Operators of another domain are not looked for: the model is refused."""
    node = helper.make_node("Evil", ["x"], ["y"], domain="org.example")
    shape = ["n", 3, 16, 16]
    path = save(
        tmp_path / "m.onnx", [node], {"x": (1, shape)}, ("y", ["n", 3]), domains=("", "org.example")
    )
    with pytest.raises(InvalidModel, match=r"m\.onnx can't be loaded"):
        open_onnx_file(write_sidecar(path))


def test_refuses(tmp_path: Path) -> None:
    """Missing files, junk, wrong names, wrong sizes, wrong types: typed and named."""
    path = tmp_path / "m.onnx"
    with pytest.raises(WeightsNotFound, match=r"m\.onnx"):
        open_onnx_file(path)
    color_model(path)
    with pytest.raises(WeightsNotFound, match=r"m\.onnx\.json"):
        open_onnx_file(path)
    wrong: dict[str, dict[str, Any]] = {
        "no output 'z'": {"output": "z"},
        "no input 'q'": {"input": "q"},
        "fails": {"size": 17, "pooling": "max"},
        "4 axes": {},
        "unknown key": {"surprise": 1},
    }
    for reason, keys in wrong.items():
        with pytest.raises(InvalidModel, match=reason) as caught:
            open_onnx_file(write_sidecar(path, **keys))
        assert "\n" not in caught.value.line()
    path.write_bytes(b"junk" * 10)
    with pytest.raises(InvalidModel, match="not an ONNX model|can't be loaded"):  # noqa: RUF043 - a choice
        open_onnx_file(write_sidecar(path))
    path.with_name("m.onnx.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidModel, match="can't be read"):
        open_onnx_file(path)


def test_bytes_as_input(tmp_path: Path) -> None:
    """A model that wants bytes is refused before it runs."""
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    shape = ["n", 3, 16, 16]
    path = save(tmp_path / "m.onnx", [node], {"x": (TensorProto.UINT8, shape)}, ("y", shape))
    with pytest.raises(InvalidModel, match="uint8"):
        open_onnx_file(write_sidecar(path, pooling="max"))


def test_nan(tmp_path: Path) -> None:
    """NaN in a model's answer is an error, not a vector."""
    nodes = [
        helper.make_node("Log", ["x"], ["l"]),
        helper.make_node("ReduceMean", ["l"], ["y"], axes=[2, 3], keepdims=0),
    ]
    path = save(tmp_path / "m.onnx", nodes, {"x": (1, ["n", 3, 16, 16])}, ("y", ["n", 3]))
    embedder = open_onnx_file(write_sidecar(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidModel, match="NaN"):
            vector(embedder)


def test_texts(tmp_path: Path) -> None:
    """The same text, however it is written, has the same vector; another has another."""
    embedder = open_onnx_file(two_towers(tmp_path))
    assert isinstance(embedder, TwoTowerEmbedder)
    a, b, c, d = embedder.embed_text(["red mugs", "RED  Mugs", "blue chair", "red mugs zzz"])
    assert np.allclose(a, b)
    assert np.abs(a - c).max() > 1e-2
    assert np.abs(a - d).max() > 1e-2
    assert embedder.embed_text([]).shape == (0, 8)
    with pytest.raises(UsageError, match="list"):
        embedder.embed_text("red mug")
    with pytest.raises(UsageError, match="int"):
        embedder.embed_text([3])  # type: ignore[list-item]  # what a caller without types may do
    with pytest.raises(UsageError, match="characters"):
        embedder.embed_text(["x" * 10_001])


def test_wrong_text_side(tmp_path: Path) -> None:
    """A text model with other names, another dimension or floats is refused."""
    wrong: dict[str, dict[str, Any]] = {
        "no input 'words'": {"input": "words"},
        "no output 'z'": {"output": "z"},
        "no room": {"length": 2},
    }
    for reason, keys in wrong.items():
        with pytest.raises(InvalidModel, match=reason):
            open_onnx_file(two_towers(tmp_path, **keys))
    with pytest.raises(WeightsNotFound, match=r"nothing\.onnx"):
        open_onnx_file(two_towers(tmp_path, model="nothing.onnx"))
    cases: list[dict[str, Any]] = [{"mask": "other"}, {"mask": None}]
    for case in cases:
        embedder = open_onnx_file(two_towers(tmp_path, **case))
        assert isinstance(embedder, TwoTowerEmbedder)
        with pytest.raises(InvalidModel, match=r"text\.onnx"):
            embedder.embed_text(["a"])


def test_normalise_is_shared() -> None:
    """The recipe's numbers are applied once: a grey picture at the mean gives zeros."""
    from mitame.embedders.preprocess import Recipe

    grey = np.full((1, 4, 4, 3), 100, np.uint8)
    assert not normalise(grey, Recipe((4, 4), 4, mean=(100, 100, 100))).any()
