"""Tokenizers: the vocabulary read here, and the files of the package tokenizers."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.embedders import text_tower
from mitame.embedders.text_tower import open_tokenizer, word_pieces
from mitame.errors import InvalidModel, MissingExtra, WeightsNotFound
from tests.embedders.small_models import VOCABULARY

TOKENS = {token: number for number, token in enumerate(VOCABULARY)}


def vocabulary(folder: Path, words: list[str] = VOCABULARY) -> Path:
    path = folder / "v.txt"
    path.write_text("\n".join(words), "utf-8")
    return path


def test_ids_and_mask(tmp_path: Path) -> None:
    """Start, pieces, end, filling; what is unknown as a whole is [UNK]."""
    tokenize = open_tokenizer(vocabulary(tmp_path), 8)
    ids, mask = tokenize("Red mugs, xyz!")
    words = ["[CLS]", "red", "mug", "##s", "[UNK]", "[UNK]", "!", "[SEP]"]
    assert ids == [TOKENS[word] for word in words]
    assert mask == [1] * 8
    ids, mask = tokenize("a")
    assert ids == [TOKENS[word] for word in ("[CLS]", "a", "[SEP]")] + [0] * 5
    assert mask == [1] * 3 + [0] * 5


def test_without_frame(tmp_path: Path) -> None:
    """A vocabulary without [CLS] and [SEP] has no frame; long texts are cut."""
    tokenize = open_tokenizer(vocabulary(tmp_path, ["[PAD]", "[UNK]", "a"]), 3)
    assert tokenize("a b a a a") == ([2, 1, 2], [1, 1, 1])


def test_longest_piece_first() -> None:
    """Greedy from the left, as WordPiece is defined; very long words are not tried."""
    known = {"[UNK]": 0, "un": 1, "una": 2, "##able": 3, "##ble": 4}
    assert word_pieces("unable", known) == [2, 4]
    assert word_pieces("unabler", known) == [0]
    assert word_pieces("un" * 100, known) == [0]


@given(st.text(max_size=200))
def test_any_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text has exactly as many ids as asked for, all known."""
    tokenize = open_tokenizer(vocabulary(tmp_path_factory.mktemp("v")), 7)
    ids, mask = tokenize(text)
    assert len(ids) == len(mask) == 7
    assert all(0 <= number < len(VOCABULARY) for number in ids)


def test_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, of another kind, without [UNK], not text, too large."""
    with pytest.raises(WeightsNotFound):
        open_tokenizer(tmp_path / "none.txt", 8)
    other = tmp_path / "t.model"
    other.write_bytes(b"")
    with pytest.raises(InvalidModel, match=r"t\.model"):
        open_tokenizer(other, 8)
    with pytest.raises(InvalidModel, match=r"\[UNK\]"):
        open_tokenizer(vocabulary(tmp_path, ["[PAD]"]), 8)
    path = vocabulary(tmp_path)
    monkeypatch.setattr(text_tower, "MAX_TOKENIZER_BYTES", 10)
    with pytest.raises(InvalidModel, match="larger"):
        open_tokenizer(path, 8)
    monkeypatch.undo()
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InvalidModel, match="can't be read"):
        open_tokenizer(path, 8)


def test_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .json without the package names the extra."""

    def refuse(name: str) -> Any:
        raise ImportError(name)

    path = tmp_path / "t.json"
    path.write_text("{}")
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtra) as caught:
        open_tokenizer(path, 8)
    assert "mitame[text]" in caught.value.remedy


def test_tokenizers_json(tmp_path: Path) -> None:
    """A file of the package is cut and filled to the length, with its own filling token."""
    tokenizers = pytest.importorskip("tokenizers", reason="the package is not installed")
    known = {"[UNK]": 0, "red": 1, "mug": 2, "<fill>": 3}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.enable_padding(pad_id=3, pad_token="<fill>")
    path = tmp_path / "t.json"
    made.save(str(path))
    tokenize = open_tokenizer(path, 4)
    assert tokenize("red mug blue") == ([1, 2, 0, 3], [1, 1, 1, 0])
    assert tokenize("red " * 9)[0] == [1] * 4
    path.write_text("{}")
    with pytest.raises(InvalidModel, match=r"t\.json"):
        open_tokenizer(path, 4)
