"""Manifests that are made up, newer, or no manifests: refused with an error of ours."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.collection.snapshot import Snapshot, seal, unseal
from mitame.collection.snapshot.manifest import Manifest
from mitame.collection.snapshot.part import Part, header, write
from mitame.errors import CorruptCollection, MitameError, NewerFormat
from mitame.storage import MemoryDirectory
from tests.collection.snapshot.damaged import WHOLE, found, manifest_with, put
from tests.collection.snapshot.planned import with_files


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (put("generation", value=0), "'generation' is no whole number"),
        (put("generation", value=True), "'generation' is no whole number"),
        (put("position", value=-1), "'position' is no whole number"),
        (put("position", value=2**63), "'position' is no whole number"),
        (put("created", value=1.5), "'created' is no whole number"),
        (put("keys", value=0), "'keys' is no whole number"),
        (put("keys", value=7), "another shape"),
        (put("items", value="4"), "'items' is no whole number"),
        (put("vectors", value="float16"), "another shape"),
        (put("vectors", value="int8"), "another shape"),
        (put("columns", value=None), "'columns' is no list"),
        (put("columns", value=["a"] * 3), "two columns have one name"),
        (put("columns", value=["a", "b", 3]), "'columns' are no texts"),
        (put("columns", value=["a", "b", "c", "d"]), "no part column-3-codes.part"),
        (put("lenses", value={}), "'lenses' is no list"),
        (put("lenses", 0, value=3), "no object"),
        (put("lenses", 0, "key", value=7), "no part lens-7-rows.part"),
        (put("lenses", 0, "key", value=2), "one and the same"),
        (put("lenses", 0, "name", value="../x"), "lens '../x' can't be read"),
        (put("lenses", 0, "log_rows", value=4), "'rows' is no whole number from 0 to 4"),
        (put("lenses", 0, "spec", value=[]), "no object"),
        (put("lenses", 0, "spec", value={}), "lens 'look' can't be read"),
        (put("lenses", 0, "spec", "dimension", value=4.0), "'dimension' is no whole number"),
        (put("lenses", 0, "spec", "dimension", value="4"), "lens 'look' can't be read"),
        (put("lenses", 0, "spec", "dimension", value=5), "does not fit its fingerprint"),
        (put("lenses", 0, "fingerprint", value="x"), "'fingerprint' is no SHA-256"),
        (put("parts", value=[]), "no part items-alive.part"),
        (put("parts", 0, "file", value="../../manifest.part"), "can't be the name of a part"),
        (put("parts", 0, "file", value="manifest.json"), "can't be the name of a part"),
        (put("parts", 0, "kind", value="rows"), "another shape"),
        (put("parts", 0, "kind", value="A B"), "no shape or no kind"),
        (put("parts", 0, "dtype", value="object"), "has the type 'object'"),
        (put("parts", 0, "shape", value=[]), "no shape"),
        (put("parts", 0, "shape", value=[1, 1, 1]), "'shape' is no list"),
        (put("parts", 0, "shape", value=[-6]), "'shape' is no whole number"),
        (put("parts", 0, "shape", value=[5]), "another size than its shape"),
        (put("parts", 0, "shape", value=[6, 1]), "another shape"),
        (put("parts", 0, "shape", value=[2**40, 2**40]), "another size than its shape"),
        (put("parts", 0, "bytes", value=10**30), "'bytes' is no whole number"),
        (put("parts", 0, "sha256", value="A" * 64), "'sha256' is no SHA-256"),
        (put("parts", 0, "sha256", value="a" * 64), "does not fit its checksum"),
        (put("parts", 0, "optional", value=1), "'optional' is neither"),
        (put("format", value=None), "'format' is no whole number"),
    ],
)
def test_manifests_that_cannot_be_right(
    change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    """Sealed, so that only the content is wrong: refused, saying what."""
    problems = found(manifest_with(change))
    assert len(problems) == 1
    assert problem in problems[0]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_manifest_at_all(data: st.DataObject) -> None:
    """Any value in any place of a sealed manifest: works or is refused with an error of ours."""

    def change(content: dict[str, Any]) -> None:
        inner: Any = content
        while True:
            steps = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            step = data.draw(st.sampled_from(steps))
            if not isinstance(inner[step], dict | list) or not inner[step]:
                break
            if data.draw(st.integers(0, 4)) == 0:
                break
            inner = inner[step]
        inner[step] = data.draw(JSON)

    found(manifest_with(change))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_at_all(data: bytes, after: bool) -> None:
    """For a manifest, alone or after a right beginning."""
    start = WHOLE["manifest.json"][:200] if after else b""
    with pytest.raises(CorruptCollection, match=r"manifest\.json"):
        Snapshot.open(with_files({**WHOLE, "manifest.json": start + data}))


def test_a_newer_format() -> None:
    """Says which, and to upgrade, whatever else is in the manifest."""
    directory = with_files({"manifest.json": seal({"format": 2, "unheard": [1]})})
    with pytest.raises(NewerFormat, match="format 2, this mitame knows up to 1") as caught:
        Snapshot.open(directory)
    assert "upgrade" in caught.value.remedy


def test_a_newer_header() -> None:
    """A part of a later version is not called damage."""
    name = "lens-1-rows.part"
    newer = bytearray(WHOLE[name])
    newer[8:16] = (2).to_bytes(4, "little") + bytes(4)
    newer[12:16] = zlib.crc32(newer[:64]).to_bytes(4, "little")
    with pytest.raises(NewerFormat, match=rf"{name} has a header of version 2"):
        Snapshot.open(with_files({**WHOLE, name: bytes(newer)}))


def _with_part(optional: bool) -> MemoryDirectory:
    directory = with_files(WHOLE)
    manifest = Manifest.from_bytes(WHOLE["manifest.json"], "test")
    part = Part("lens-1-graph.part", "graph", "uint8", (9,), optional=optional)
    part = replace(
        part, sha256=write(directory, part, [np.arange(9, dtype=np.uint8)], lambda _: None)
    )
    directory.replace("manifest.json", manifest.with_part(part).to_bytes())
    return directory


def test_a_part_that_is_not_known() -> None:
    """An optional one is left alone, but not by verify; one that must be known is refused."""
    directory = _with_part(optional=True)
    assert found(directory) == []
    data = bytearray(directory.read("lens-1-graph.part", limit=100))
    data[-1] ^= 1
    directory.replace("lens-1-graph.part", bytes(data))
    assert any("lens-1-graph.part" in text for text in found(directory))
    directory.remove("lens-1-graph.part")
    assert Snapshot.open(directory).id_of(1) == "mug-1"
    assert any("lens-1-graph.part" in text for text in found(directory))
    with pytest.raises(NewerFormat, match=r"lens-1-graph\.part that this mitame does not know"):
        Snapshot.open(_with_part(optional=False))


def test_fields_that_are_not_known() -> None:
    """A later version may say more; the rest means what it meant."""
    assert found(manifest_with(lambda content: content.update(later={"x": 1}))) == []
    assert found(manifest_with(put("lenses", 0, "later", value=1))) == []
    assert found(manifest_with(put("lenses", 0, "spec", "later", value=1))) == []


def test_headers_of_parts_are_all_different() -> None:
    """So that two parts can't be taken for one another unseen."""
    with pytest.raises(CorruptCollection, match=r"lens-1-owners\.part has a damaged header"):
        Snapshot.open(with_files({**WHOLE, "lens-1-owners.part": WHOLE["lens-1-rows.part"]}))
    assert header(Part("a.part", "rows", "int64", (5,))) == WHOLE["lens-1-rows.part"][:64]


@pytest.mark.parametrize("text", [b'", ', b'", "a": NaN}', b'", "a": ' + b"[" * 100_000])
def test_json_that_is_none(text: bytes) -> None:
    """With the right checksum: refused all the same."""
    data = b'{"checksum": "' + hashlib.sha256(text).hexdigest().encode() + text
    with pytest.raises(CorruptCollection, match="test is no JSON"):
        unseal(data, "test")


def test_seal_says_what_it_was_given() -> None:
    """And refuses what it can't say."""
    fields = unseal(seal({"a": 3, "b": "é", "c": [1], "d": True}), "test")
    assert fields.integer("a", 0, 9) == 3
    assert fields.text("b", 1) == "é"
    assert fields.integers("c", 1, 1) == (1,)
    assert fields.flag("d")
    bad: list[dict[str, object]] = [{}, {"checksum": "x"}, {"a": float("nan")}, {"a": object()}]
    for content in bad:
        with pytest.raises(MitameError):
            seal(content)
