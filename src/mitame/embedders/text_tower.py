"""The text side of a model with two towers: tokenizer and text network from ONNX.

Two kinds of tokenizer: a ``.json`` file of the `tokenizers` package (an optional dependency, which
covers CLIP, SigLIP and most others), and a ``.txt`` vocabulary, one token per line, read here:
lower-cased words and single punctuation marks, each cut greedily into the longest known pieces, of
which the later ones begin with ``##`` (WordPiece; Devlin et al., "BERT", 2019). It must have
``[UNK]`` and ``[PAD]``; ``[CLS]`` and ``[SEP]`` are put around a text where they are known.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.onnx_session import OnnxSession
from mitame.embedders.sidecar import TextSide
from mitame.errors import InvalidModel, MissingExtra, UsageError, WeightsNotFound

MAX_TOKENIZER_BYTES = 64 << 20
MAX_TEXT = 10_000
MAX_WORD = 100
BATCH = 32
_WORDS = re.compile(r"\w+|[^\w\s]")

Ids = NDArray[np.int64]
Tokenize = Callable[[str], tuple[list[int], list[int]]]


class TextTower:
    """Text network and tokenizer.

    Args:
        folder: where the files that `side` names lie.
        side: the sidecar's ``text``.
        threads: cores per run.

    Raises:
        WeightsNotFound, InvalidModel, MissingExtra: see `open_onnx_file`.
    """

    def __init__(self, folder: Path, side: TextSide, *, threads: int) -> None:
        self._tokenize = open_tokenizer(folder / side.tokenizer, side.length)
        self._session = OnnxSession(folder / side.model, name=side.model, threads=threads)
        self._name = side.model
        self._mask = side.mask
        self._input = self._pick(self._session.inputs, side.input, "input")
        self._output = self._pick(self._session.outputs, side.output, "output")

    def run(self, texts: Sequence[str], dimension: int) -> NDArray[np.float32]:
        """Texts to float32[n, dimension], not normalised.

        Raises:
            UsageError: something that is not a string, or is too long.
            InvalidModel: the network gives another shape, NaN or infinity.
        """
        rows = [self._tokenize(_checked(text)) for text in texts]
        vectors = np.empty((len(rows), dimension), np.float32)
        for start in range(0, len(rows), BATCH):
            chunk = rows[start : start + BATCH]
            features = self._session.run(self._output, **self._feed(chunk))
            if features.shape != (len(chunk), dimension) or not np.isfinite(features).all():
                raise InvalidModel(
                    f"model {self._name} gives {features.shape} for {len(chunk)} texts, "
                    f"not finite ({len(chunk)}, {dimension})"
                )
            vectors[start : start + len(chunk)] = features
        return vectors

    def _feed(self, chunk: Sequence[tuple[list[int], list[int]]]) -> dict[str, NDArray[Any]]:
        feed = {self._input: [ids for ids, _ in chunk]}
        if self._mask is not None:
            feed[self._mask] = [mask for _, mask in chunk]
        return {name: np.asarray(rows, self._dtype(name)) for name, rows in feed.items()}

    def _dtype(self, name: str) -> type[np.integer[Any]]:
        kinds: dict[str, type[np.integer[Any]]] = {
            "tensor(int64)": np.int64,
            "tensor(int32)": np.int32,
        }
        kind = self._session.inputs.get(name, ("nothing", []))[0]
        if kind not in kinds:
            raise InvalidModel(f"model {self._name} takes {kind} as {name!r}, not whole numbers")
        return kinds[kind]

    def _pick(self, known: Mapping[str, Any], name: str | None, kind: str) -> str:
        others = [key for key in known if key != self._mask]
        if name is None and len(others) == 1:
            return others[0]
        if name is None or name not in known:
            raise InvalidModel(
                f"model {self._name} has no {kind} {name!r}",
                remedy=f"set 'text.{kind}' in the sidecar to one of: {', '.join(others[:20])}",
            )
        return name


def open_tokenizer(path: Path, length: int) -> Tokenize:
    """What turns a text into `length` token ids and as many 1 (token) and 0 (filling).

    Raises:
        WeightsNotFound: no such file.
        InvalidModel: the file can't be used.
        MissingExtra: a ``.json`` without the `tokenizers` package.
    """
    if not path.is_file():
        raise WeightsNotFound(f"there is no tokenizer {path}", remedy="check 'text.tokenizer'")
    if path.stat().st_size > MAX_TOKENIZER_BYTES:
        raise InvalidModel(f"tokenizer {path.name} is larger than any real one")
    if path.suffix == ".json":
        return _open_json(path, length)
    if path.suffix == ".txt":
        return _open_vocabulary(path, length)
    raise InvalidModel(f"tokenizer {path.name} is neither .json nor .txt")


def _open_json(path: Path, length: int) -> Tokenize:
    try:
        tokenizers = importlib.import_module("tokenizers")  # an optional dependency
    except ImportError as error:
        raise MissingExtra(f"tokenizer {path.name}", "text") from error
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
        padding = tokenizer.padding or {}
        fill = {key: padding[key] for key in ("pad_id", "pad_token") if key in padding}
        tokenizer.enable_truncation(length)
        tokenizer.enable_padding(length=length, **fill)
    except Exception as error:  # the package raises bare Exception
        raise InvalidModel(f"tokenizer {path.name} can't be read") from error

    def tokenize(text: str) -> tuple[list[int], list[int]]:
        encoding = tokenizer.encode(text)
        return list(encoding.ids), list(encoding.attention_mask)

    return tokenize


def _open_vocabulary(path: Path, length: int) -> Tokenize:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidModel(f"vocabulary {path.name} can't be read") from error
    vocabulary = {token: number for number, token in enumerate(lines)}
    for token in ("[UNK]", "[PAD]"):
        if token not in vocabulary:
            raise InvalidModel(f"vocabulary {path.name} has no {token}")
    start, end = ([vocabulary[t]] if t in vocabulary else [] for t in ("[CLS]", "[SEP]"))
    room = length - len(start) - len(end)
    if room < 1:
        raise InvalidModel(f"'text.length' {length} leaves no room for words")

    def tokenize(text: str) -> tuple[list[int], list[int]]:
        words = _WORDS.findall(unicodedata.normalize("NFKC", text).lower())
        pieces = [piece for word in words for piece in word_pieces(word, vocabulary)]
        ids = [*start, *pieces[:room], *end]
        filling = length - len(ids)
        return ids + [vocabulary["[PAD]"]] * filling, [1] * len(ids) + [0] * filling

    return tokenize


def word_pieces(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    """A word as the longest known pieces from its left, or as ``[UNK]`` where that fails."""
    if len(word) > MAX_WORD:
        return [vocabulary["[UNK]"]]
    pieces: list[int] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((e for e in ends if prefix + word[start:e] in vocabulary), None)
        if end is None:
            return [vocabulary["[UNK]"]]
        pieces.append(vocabulary[prefix + word[start:end]])
        start = end
    return pieces


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise UsageError(f"a text must be a string, not {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise UsageError(f"a text has {len(text):,} characters", remedy=f"at most {MAX_TEXT:,}")
    return text
