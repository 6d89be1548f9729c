"""What every embedder must do, as tests that its author inherits.

class TestMine(EmbedderConformance):
    def embedder(self) -> Embedder:
        return open_mine()
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from mitame.embedders.protocol import Embedder, EmbedderSpec, Pixels, TextEmbedder, Vectors
from mitame.errors import MitameError

TOLERANCE = 1e-5
SIZES = ((1, 1), (1, 5_000), (5_000, 1), (2, 3), (64, 48), (300, 400), (257, 256))
WRONG: dict[str, Any] = {
    "no colour axis": np.zeros((8, 8), np.uint8),
    "one channel": np.zeros((8, 8, 1), np.uint8),
    "four channels": np.zeros((8, 8, 4), np.uint8),
    "floats": np.zeros((8, 8, 3), np.float32),
    "no pixels": np.zeros((0, 8, 3), np.uint8),
}


@cache
def sample_pictures() -> tuple[Pixels, ...]:
    """Pictures that a test can make: gradients with a coloured block and noise, in many sizes.

    They are read-only: an embedder that writes into its input fails.
    """
    random = np.random.default_rng(7)
    pictures = []
    for height, width in SIZES:
        rows, columns = np.ogrid[:height, :width]
        ramp = (rows * 200 // height + columns * 55 // width)[..., None] + np.zeros(3, int)
        ramp[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = random.integers(
            0, 256, 3
        )
        noise = random.integers(-8, 9, ramp.shape)
        picture = np.clip(ramp + noise, 0, 255).astype(np.uint8)
        picture.flags.writeable = False
        pictures.append(picture)
    return tuple(pictures)


class EmbedderConformance:
    """Inherit and give `embedder`; it is asked for once per test and may be shared."""

    def embedder(self) -> Embedder:
        """The embedder under test."""
        raise NotImplementedError  # the class that inherits says which

    def embed_all(self, pictures: tuple[Pixels, ...]) -> Vectors:
        """Pictures through both steps, in one call of `embed`."""
        embedder = self.embedder()
        return embedder.embed([embedder.prepare(picture) for picture in pictures])

    def test_is_an_embedder(self) -> None:
        """It has all members of the protocol, and sizes that make sense."""
        embedder = self.embedder()
        assert isinstance(embedder, Embedder)
        assert embedder.decode_side >= 1
        assert embedder.batch_size >= 1
        assert embedder.spec.dimension >= 1
        assert len(embedder.spec.weights) in (0, 64)
        assert embedder.spec.similar_at <= embedder.spec.same_at

    def test_spec_survives_json(self) -> None:
        """A stored spec is read back equal, with the same fingerprint, and ignores later keys."""
        spec = self.embedder().spec
        again = EmbedderSpec.from_json(spec.to_json())
        assert again == spec
        assert again.fingerprint == spec.fingerprint
        later = json.dumps({**json.loads(spec.to_json()), "of_a_later_version": 1})
        assert EmbedderSpec.from_json(later) == spec

    def test_fingerprint_is_stable(self) -> None:
        """The same embedder has the same fingerprint every time it is asked for."""
        assert self.embedder().spec.fingerprint == self.embedder().spec.fingerprint

    def test_shape_and_type(self) -> None:
        """Any size of picture, from one pixel to a line, gives one finite float32 vector."""
        vectors = self.embed_all(sample_pictures())
        assert vectors.shape == (len(SIZES), self.embedder().spec.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()

    def test_no_pictures(self) -> None:
        """An empty batch gives an empty answer of the right width."""
        assert self.embedder().embed([]).shape == (0, self.embedder().spec.dimension)

    def test_length_is_one(self) -> None:
        """Vectors for the cosine have length 1; an all-zero one may stay so."""
        if self.embedder().spec.distance != "cosine":
            return
        lengths = np.linalg.norm(self.embed_all(sample_pictures()), axis=1)
        assert (np.isclose(lengths, 1, atol=1e-4) | (lengths == 0)).all()

    def test_flat_pictures(self) -> None:
        """Black, white and grey pictures give finite vectors."""
        flat = tuple(np.full((40, 50, 3), level, np.uint8) for level in (0, 128, 255))
        assert np.isfinite(self.embed_all(flat)).all()

    def test_pictures_differ(self) -> None:
        """Different pictures have different vectors; the same one has the same."""
        first, second = sample_pictures()[-3], sample_pictures()[-2]
        a, b, c = self.embed_all((first, second, first.copy()))
        assert np.abs(a - b).max() > 1e-3
        assert np.allclose(a, c, atol=TOLERANCE)

    def test_batches_do_not_matter(self) -> None:
        """All at once, one by one and in another order: the same vectors within 1e-5."""
        embedder = self.embedder()
        prepared = [embedder.prepare(picture) for picture in sample_pictures()] * 2
        together = embedder.embed(prepared)
        single = np.concatenate([embedder.embed([picture]) for picture in prepared])
        backwards = embedder.embed(prepared[::-1])[::-1]
        assert np.abs(together - single).max() <= TOLERANCE
        assert np.abs(together - backwards).max() <= TOLERANCE

    def test_is_deterministic(self) -> None:
        """The same call gives the same vectors."""
        pictures = sample_pictures()[-3:]
        assert np.abs(self.embed_all(pictures) - self.embed_all(pictures)).max() <= TOLERANCE

    def test_threads(self) -> None:
        """Four threads that prepare and embed at once get what one gets."""
        pictures = sample_pictures()
        alone = self.embed_all(pictures)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(self.embed_all, [pictures] * 8))
        assert all(np.abs(answer - alone).max() <= TOLERANCE for answer in answers)

    def test_input_is_not_changed(self) -> None:
        """Neither `prepare` nor `embed` writes into what it is given."""
        embedder = self.embedder()
        picture = sample_pictures()[-1].copy()
        prepared = embedder.prepare(picture)
        before = prepared.copy()
        prepared.flags.writeable = False
        embedder.embed([prepared])
        assert np.array_equal(picture, sample_pictures()[-1])
        assert np.array_equal(prepared, before)

    def test_any_memory_layout(self) -> None:
        """A view with other strides is the same picture as its copy."""
        view = sample_pictures()[-2][::-1, ::2]
        a, b = self.embed_all((view, np.ascontiguousarray(view)))
        assert np.abs(a - b).max() <= TOLERANCE

    def test_what_is_no_picture_is_refused(self) -> None:
        """Other shapes and types raise one of mitame's errors, not a third party's."""
        for case, pixels in WRONG.items():
            try:
                self.embedder().prepare(pixels)
            except MitameError:
                continue
            raise AssertionError(f"prepare() took a picture with {case}")

    def test_text_lies_in_the_same_space(self) -> None:
        """Where there is a text side: right shape, finite, independent of the batch."""
        embedder = self.embedder()
        if not isinstance(embedder, TextEmbedder):
            return
        texts = ["a red mug", "", "a blue chair " * 50]
        together = embedder.embed_text(texts)
        assert together.shape == (3, self.embedder().spec.dimension)
        assert together.dtype == np.float32
        assert np.isfinite(together).all()
        assert np.abs(together[:1] - embedder.embed_text(texts[:1])).max() <= TOLERANCE
