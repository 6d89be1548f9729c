"""Pictures to vectors in a worker: batches, bounds and errors, with an embedder that waits."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mitame.collection import Lens
from mitame.config import LimitsConfig, ServeConfig
from mitame.embedders.protocol import EmbedderSpec, Patches, Pixels, Vectors
from mitame.errors import InvalidModel, MitameError, NotAnImage, Overloaded, UsageError
from mitame.images.decode import decode
from mitame.images.fingerprint import content_hash
from mitame.serving.pictures.embedding import Embedding
from mitame.serving.seeing.metrics import Metrics
from mitame.thumbnails.store import ThumbnailStore
from tests.serving.item_server import picture

SECONDS = 30.0


class Slow:
    """An embedder of mean colours that stops at a gate, and remembers the batches it was given.

    Args:
        batch_size: that it wants.
    """

    def __init__(self, batch_size: int) -> None:
        self.spec = EmbedderSpec(f"slow{batch_size}", "", (8, 8), {}, 3)
        self.decode_side = 1
        self.batch_size = batch_size
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.batches: list[int] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        """The mean colour."""
        mean: NDArray[Any] = pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64)
        return mean

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """The means as they are; one that is nearly white fails the whole batch."""
        with self._lock:
            self.batches.append(len(prepared))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.begun.release()
        assert self.gate.wait(SECONDS)
        with self._lock:
            self._at_once -= 1
        if any(mean.min() > 250 for mean in prepared):
            raise InvalidModel("it can't bear white")
        return np.array(prepared, np.float32)


@pytest.fixture
def embedding(tmp_path: Path) -> Iterator[Embedding]:
    """Two threads, and four pictures may wait."""
    config = ServeConfig(tmp_path, threads=2, limits=LimitsConfig(waiting=4))
    metrics = Metrics(tmp_path)
    made = Embedding(config, metrics)
    yield made
    made.close()
    metrics.close()


def white() -> bytes:
    """A white picture."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (255, 255, 255)).save(file, "PNG")
    return file.getvalue()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """To its end, within seconds."""
    return asyncio.run(asyncio.wait_for(work, SECONDS))


async def begun(embedder: Slow) -> None:
    """When another batch has begun."""
    assert await asyncio.to_thread(embedder.begun.acquire, True, SECONDS)


def test_what_comes_meanwhile_is_one_batch(embedding: Embedding) -> None:
    """The first picture goes alone and at once; five that come while it is embedded go together."""
    slow = Slow(8)

    async def work() -> list[NDArray[np.float32]]:
        first = asyncio.create_task(embedding.embedded(slow, [picture(0)]))
        await begun(slow)
        rest = [asyncio.create_task(embedding.embedded(slow, [picture(n)])) for n in range(1, 6)]
        while sum(map(len, (each._waiting for each in embedding._together.values()))) < 5:
            await asyncio.sleep(0.005)
        slow.gate.set()
        return [(await task)[0] for task in (first, *rest)]

    vectors = run(work())
    assert slow.batches == [1, 5]
    expected = [run(embedding.embedded(Slow1(), [picture(n)]))[0] for n in range(6)]
    assert np.array_equal(vectors, expected)


class Slow1(Slow):
    """One at a time, and without a wait."""

    def __init__(self) -> None:
        super().__init__(1)
        self.gate.set()


def test_no_batch_is_larger_than_the_embedder_wants(embedding: Embedding) -> None:
    """The pictures of one request go in batches of at most two."""
    slow = Slow(2)
    slow.gate.set()
    assert run(embedding.embedded(slow, [picture(n) for n in range(20)])).shape == (20, 3)
    assert sum(slow.batches) == 20
    assert max(slow.batches) <= 2


def test_one_at_a_time_runs_on_all_threads(embedding: Embedding) -> None:
    """An embedder that wants no batches is called on as many threads as there are, never more."""
    slow = Slow(1)

    async def work() -> None:
        tasks = [asyncio.create_task(embedding.embedded(slow, [picture(n)])) for n in range(5)]
        await begun(slow)
        await begun(slow)
        slow.gate.set()
        await asyncio.gather(*tasks)

    run(work())
    assert slow.batches == [1] * 5
    assert slow.most_at_once == 2


@pytest.mark.parametrize("batch_size", [1, 8])
def test_more_than_may_wait_are_refused(embedding: Embedding, batch_size: int) -> None:
    """Six are under way with two threads and room for four; the next is told to come later."""
    slow = Slow(batch_size)

    async def work() -> None:
        tasks = [asyncio.create_task(embedding.embedded(slow, [picture(n)])) for n in range(6)]
        await begun(slow)
        assert embedding.under_way == 6
        with pytest.raises(Overloaded):
            await embedding.embedded(slow, [picture(7)])
        slow.gate.set()
        await asyncio.gather(*tasks)
        assert embedding.under_way == 0
        assert (await embedding.embedded(slow, [picture(8)])).shape == (1, 3)

    run(work())


def test_a_bad_picture_fails_alone(embedding: Embedding) -> None:
    """Neither one that can't be decoded nor one that the embedder can't bear fails others."""
    slow = Slow(8)
    slow.gate.set()

    async def work() -> list[Any]:
        sent = [picture(1), white(), b"no picture", picture(2)]
        tasks = [embedding.embedded(slow, [each]) for each in sent]
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, third, fourth = run(work())
    assert isinstance(second, InvalidModel)
    assert isinstance(third, NotAnImage)
    for found, seed in ((first, 1), (fourth, 2)):
        assert np.array_equal(found, run(embedding.embedded(Slow1(), [picture(seed)])))
    assert embedding.under_way == 0


def test_a_request_with_a_bad_picture_leaves_nothing_under_way(embedding: Embedding) -> None:
    """Its error is told when the others have ended."""
    slow = Slow(1)
    slow.gate.set()
    with pytest.raises(MitameError):
        run(embedding.embedded(slow, [picture(1), b"", picture(2)]))
    assert embedding.under_way == 0


class SlowPatches(Slow1):
    """Tells parts of a picture, and stops at a gate before."""

    def __init__(self) -> None:
        super().__init__()
        self.gate.clear()

    def patches(self, pixels: Pixels) -> Patches:
        """One part: all of it."""
        mean = self.embed([self.prepare(pixels)])
        return Patches(mean.reshape(1, 1, 3), (0, 0, 1, 1))


def test_parts_of_pictures_are_bounded_with_all_others(embedding: Embedding) -> None:
    """Two at once on two threads, and where six pictures are under way the next are refused."""
    slow = SlowPatches()
    read = partial(decode, picture(1))

    async def work() -> None:
        tasks = [asyncio.create_task(embedding.patches(slow, [read] * 2)) for _ in range(3)]
        await begun(slow)
        await begun(slow)
        assert embedding.under_way == 6
        with pytest.raises(Overloaded):
            await embedding.patches(slow, [read, read])
        with pytest.raises(Overloaded):
            await embedding.embedded(slow, [picture(1)])
        slow.gate.set()
        assert [len(each) for each in await asyncio.gather(*tasks)] == [2, 2, 2]

    asyncio.run(asyncio.wait_for(work(), SECONDS))
    assert slow.most_at_once == 2
    assert embedding.under_way == 0


def test_a_picture_that_cant_be_read_has_no_parts(embedding: Embedding) -> None:
    """Its error is told when the other has ended."""
    slow = SlowPatches()
    slow.gate.set()
    with pytest.raises(NotAnImage):
        run(embedding.patches(slow, [partial(decode, b"no picture"), partial(decode, picture(1))]))
    assert slow.batches == [1]
    assert embedding.under_way == 0


@pytest.mark.parametrize("batch_size", [1, 8])
def test_copies_are_kept_once_all_pictures_worked(
    embedding: Embedding, tmp_path: Path, batch_size: int
) -> None:
    """One that the embedder can't bear fails after the copies are made: none of them is kept."""
    slow = Slow(batch_size)
    slow.gate.set()
    lenses = {"slow": Lens("slow", slow.spec)}
    embedding._open[slow.spec.fingerprint] = slow
    store = ThumbnailStore(tmp_path / "copies.sqlite3")
    good, other, bad = picture(1), picture(2), white()
    with pytest.raises(InvalidModel):
        run(embedding.images(lenses, [good, bad], store))
    assert [store.find(content_hash(each)) for each in (good, bad)] == [None, None]
    run(embedding.images(lenses, [good, other], store))
    kept = [store.find(content_hash(each)) for each in (good, other)]
    assert all(kept)
    run(embedding.images(lenses, [other, good], store))
    assert [store.find(content_hash(each)) for each in (good, other)] == kept
    store.close()


def test_a_caller_that_goes_away(embedding: Embedding) -> None:
    """What is cancelled in a batch does not keep the others from their vectors."""
    slow = Slow(8)

    async def work() -> Any:
        gone = asyncio.create_task(embedding.embedded(slow, [picture(1)]))
        await begun(slow)
        stays = asyncio.create_task(embedding.embedded(slow, [picture(2)]))
        gone.cancel()
        slow.gate.set()
        return await stays

    assert np.array_equal(run(work()), run(embedding.embedded(Slow1(), [picture(2)])))


def test_a_region_is_looked_at_alone(embedding: Embedding) -> None:
    """Half of a picture is another picture; a box that is none is refused before any work."""
    one = Slow1()
    whole = run(embedding.embedded(one, [picture(1)]))
    half = run(embedding.embedded(one, [picture(1)], (0, 0, 0.5, 1)))
    assert not np.array_equal(whole, half)
    assert np.array_equal(whole, run(embedding.embedded(one, [picture(1)], (0, 0, 1, 1))))
    with pytest.raises(UsageError):
        run(embedding.embedded(one, [picture(1)], (0.5, 0, 0.5, 1)))


def test_no_pictures_are_no_vectors(embedding: Embedding) -> None:
    """And have the dimension all the same."""
    assert run(embedding.embedded(Slow1(), [])).shape == (0, 3)
