"""The clients against a real server with a key: what a local collection does, they do."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mitame
from mitame.client import ServedCollection
from mitame.collection import ItemImage
from mitame.errors import (
    BodyTooLarge,
    CollectionExists,
    CollectionNotFound,
    InvalidFilter,
    InvalidVector,
    ItemExists,
    ItemNotFound,
    JobNotFound,
    NotAnImage,
    NotAuthenticated,
    PictureNotKept,
    ServiceError,
    UnknownLens,
    UnreadableFile,
    UsageError,
)
from mitame.filters import parse
from tests.serving.item_server import picture
from tests.serving.running_server import Server

KEY = "a-key-of-the-tests-0123456789"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data"), env={"MITAME_KEY": KEY}) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[mitame.Client]:
    with mitame.Client(server.url, KEY) as found:
        yield found


@pytest.fixture
def own(client: mitame.Client) -> Iterator[ServedCollection]:
    """A new collection of vectors with two floats; ``a`` and ``b`` are near each other."""
    client.create("own", dim=2, distance="euclidean")
    found = client.collection("own")
    for name, vector in (("a", [0, 0]), ("b", [0, 0.1]), ("c", [1, 1])):
        found.add(name, vector=vector, category="mug", attributes={"price": ord(name)})
    yield found
    client.drop("own")


@pytest.fixture(scope="module")
def pictures(client: mitame.Client) -> ServedCollection:
    """A collection of pictures with the lens color, and three items."""
    client.create("pictures", lenses={"color": "color"})
    found = client.collection("pictures")
    for seed in range(3):
        found.add(f"p{seed}", image=picture(seed), category="noise")
    return found


def test_items_go_round(own: ServedCollection) -> None:
    """Added, read, changed, counted, listed and removed."""
    made = own.add("x", vector=np.array([3, 4]), category="hat", attributes={"tags": ["a", "b"]})
    assert (made.id, made.category, made.attributes) == ("x", "hat", {"tags": ["a", "b"]})
    assert own.get("x") == made
    assert made.images == (ItemImage(),)
    assert own.update("x", category=None).category is None
    changed = own.update("x", attributes={"price": 1})
    assert (changed.category, changed.attributes) == (None, {"price": 1})
    np.testing.assert_array_equal(own.vectors("x"), np.array([[3, 4]], np.float32))
    assert own.count() == len(own) == 4
    assert own.count("category=mug") == own.count(parse("category=mug")) == 3
    assert [each.id for each in own.items("price<98")] == ["a", "x"]
    assert "x" in own
    own.remove("x")
    assert "x" not in own
    assert own.get("x") is None
    assert "" not in own


def test_a_long_listing_comes_in_pages(own: ServedCollection) -> None:
    """Every item once, by id."""
    rows = [{"id": f"r{number:04}", "vector": [0, number]} for number in range(1_001)]
    assert own.batch(rows).failed == 0
    ids = [each.id for each in own.items()]
    assert ids == sorted(set(ids))
    assert len(ids) == 1_004


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a b?c#d%2F", "ä✓", "similar", "-", 7])
def test_ids_of_any_kind(own: ServedCollection, name: str | int) -> None:
    """What a path would take for something else arrives as it was said."""
    own.add(name, vector=[5, 5])
    found = own.get(name)
    assert found is not None
    assert found.id == str(name)
    assert own.similar(name, limit=1).neighbors[0].id == "c"
    own.remove(name)


def test_questions_are_answered_as_a_local_collection_does(
    own: ServedCollection, tmp_path: Path
) -> None:
    """The same neighbours, scores and words, of the same types."""
    with mitame.open(tmp_path, "own", lenses={"vectors": "vectors:2:euclidean"}) as local:
        for each in own.items():
            local.add(
                each.id,
                vector=own.vectors(each.id)[0],
                category=each.category,
                attributes=each.attributes,
            )
        pairs = [
            (own.similar("a"), local.similar("a")),
            (own.similar("a", exact=True), local.similar("a", exact=True)),
            (own.search(vector=[0, 0.2], limit=2), local.search(vector=[0, 0.2], limit=2)),
            (
                own.search(vector=[0, 0], where="price>97"),
                local.search(vector=[0, 0], where="price>97"),
            ),
            (
                own.similar("a", where=parse("price>98")),
                local.similar("a", where=parse("price>98")),
            ),
        ]
    for served, at_home in pairs:
        assert isinstance(served, mitame.Answer)
        names = ("complete", "reason", "exact", "lens", "reliable")
        assert [getattr(served, n) for n in names] == [getattr(at_home, n) for n in names]
        assert len(served.neighbors) == len(at_home.neighbors) > 0
        for one, other in zip(served.neighbors, at_home.neighbors, strict=True):
            assert isinstance(one, mitame.Neighbor)
            assert (one.id, one.match, one.category) == (other.id, other.match, other.category)
            assert one.attributes == other.attributes
            assert one.score == pytest.approx(other.score, abs=1e-6)
            assert one.distance == pytest.approx(other.distance, abs=1e-6)


def test_questions_that_only_a_server_answers(own: ServedCollection) -> None:
    """Examples, wishes, many at once, pages, near-copies."""
    answer = own.query(
        positive=[{"id": "a"}, {"vector": np.zeros(2)}],
        negative=[{"id": "c"}],
        wishes=("attributes", "vector", "explain"),
    )
    assert [each.id for each in answer.neighbors] == ["b"]
    np.testing.assert_array_equal(answer.neighbors[0].vector, np.array([0, 0.1], np.float32))
    assert answer.explain is not None
    assert answer.neighbors[0].explain is not None
    good, bad = own.query_many([{"id": "a"}, {"id": "nobody"}])
    assert isinstance(good, mitame.Answer)
    assert isinstance(bad, ItemNotFound)
    first = own.similar("a", limit=1)
    assert first.cursor is not None
    second = own.similar("a", limit=1, cursor=first.cursor)
    assert [first.neighbors[0].id, second.neighbors[0].id] == ["b", "c"]
    assert own.query(ids=["a", "b"]).neighbors[0].id == "c"


def test_near_copies_and_feedback(own: ServedCollection) -> None:
    """Groups of near-copies; an event that is sent again counts once."""
    own.add("a2", vector=[0, 0])
    groups = own.duplicates(score=0.99)
    assert [each.ids for each in groups.groups] == [["a", "a2"]]
    answer = own.query(id="a")
    event = {"type": "clicked", "id": "b", "rank": 1, "at": datetime.now(UTC)}
    assert own.feedback(answer.query_id, [event]).stored == 1
    assert own.feedback(answer.query_id, [event]).known == 1
    (line,) = own.feedback_events()
    assert (line.type, line.id, line.query_id) == ("clicked", "b", answer.query_id)


def test_pictures_of_every_kind(
    pictures: ServedCollection, own: ServedCollection, tmp_path: Path
) -> None:
    """Bytes, path, open file and pixels are the same picture; and so is its vector."""
    data = picture(0)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    with path.open("rb") as file:
        for given in (data, path, str(path), file, pixels):
            best = pictures.search(image=given, limit=1).neighbors[0]
            assert (best.id, best.match) == ("p0", "same")
    vector = pictures.embed(data)
    np.testing.assert_allclose(vector, pictures.vectors("p0")[0], atol=1e-6)
    two = pictures.add("two", images=[data, path], category="pair")
    assert len(two.images) == 2
    assert two.images[0].format == "PNG"
    pictures.remove("two")
    small = pictures.thumbnail("p0")
    assert isinstance(small, bytes)
    assert Image.open(io.BytesIO(small)).format == "JPEG"
    name = next(iter(own.items())).id  # of a vector alone
    with pytest.raises(PictureNotKept):
        own.thumbnail(name)


def test_generations_and_jobs(client: mitame.Client, own: ServedCollection) -> None:
    """A merge is a job; its snapshot is listed and can be switched to."""
    found = client.wait(own.merge(neighbors=2))
    assert (found.state, found.kind, found.collection) == ("done", "merge", "own")
    assert found.id in [each.id for each in client.jobs(collection="own").jobs]
    (generation,) = own.generations().generations
    assert own.activate(generation.number).served
    assert own.describe().generation == generation.number
    assert client.cancel(found.id).state == "done"


def test_the_service(client: mitame.Client) -> None:
    """What it says of itself."""
    assert client.version() == mitame.__version__
    assert client.health().status == client.ready().status == "ok"
    assert "mitame_requests_total" in client.metrics()
    assert client.openapi()["openapi"].startswith("3.1")
    assert client.collections() == sorted(client.collections())


def test_errors_are_those_of_a_local_collection(
    client: mitame.Client, own: ServedCollection, pictures: ServedCollection, tmp_path: Path
) -> None:
    """Each by its class, with a message and a remedy that is not said twice."""
    nobody = client.collection("nobody")
    with pytest.raises(CollectionNotFound):
        nobody.get("a")
    with pytest.raises(CollectionExists):
        client.create("own", dim=2)
    with pytest.raises(ItemNotFound) as found:
        own.update("nobody", category="x")
    assert found.value.line().count(found.value.remedy) == 1
    assert found.value.__notes__[0].startswith("request ")
    with pytest.raises(ItemExists):
        own.add("a", vector=[0, 0], replace=False)
    with pytest.raises(InvalidVector):
        own.add("a", vector=[0, 0, 0])
    with pytest.raises(InvalidFilter):
        own.count("price<<1")
    with pytest.raises(UnknownLens):
        own.similar("a", lens="nothing")
    with pytest.raises(UnknownLens):
        own.vectors("a", "nothing")
    with pytest.raises(NotAnImage):
        pictures.add("x", image=b"no picture at all")
    with pytest.raises(JobNotFound):
        client.job("nobody")
    with pytest.raises(UnreadableFile):
        pictures.search(image=tmp_path / "nothing.jpg")
    assert own.count() == 3


def test_what_can_not_be_sent_is_refused_at_home(own: ServedCollection) -> None:
    """Before anything is sent."""
    for call in (
        lambda: own.add("x"),
        lambda: own.add("x", vector=[1, 1], image=b"x"),
        lambda: own.add("x", images=["http://example.org/a.jpg", b"x"]),
        own.search,
        lambda: own.search(image=np.zeros((2, 2), np.uint8)),
        lambda: own.search(image=3),  # type: ignore[arg-type]
        lambda: own.search(image=io.StringIO("x")),  # type: ignore[arg-type]
        lambda: own.similar("a", exact=True, cursor="x"),
        lambda: own.get("x" * 1_001),
        lambda: own.add("x", vector=[1, float("nan")]),
        lambda: own.add("x", vector=[[1, 1], [1, 1]]),
        lambda: own.search(vector=["x", "y"]),
        lambda: own.add("x", vector=[1, 1], attributes={"a": object()}),
        lambda: own.batch([{"id": object()}]),
        lambda: mitame.Client("ftp://example.org"),
        lambda: mitame.Client("http://example.org:port"),
        lambda: mitame.Client("http://example.org", "a\nb"),
        lambda: mitame.Client("http://example.org", retries=-1),
    ):
        with pytest.raises(UsageError):
            call()
    assert own.count() == 3


def test_a_body_beyond_the_limit(client: mitame.Client, own: ServedCollection) -> None:
    """The server refuses it before it is read, and its words arrive all the same."""
    with pytest.raises(BodyTooLarge, match="more than 30 MB"):
        own.add("x", image=bytes(31_000_000))


def test_without_the_key(server: Server) -> None:
    """Refused, by the right class."""
    with mitame.Client(server.url) as stranger, pytest.raises(NotAuthenticated):
        stranger.collections()


def test_a_server_that_is_not_there() -> None:
    """The error names what was asked, and what to check."""
    with (
        mitame.Client("http://127.0.0.1:9", retries=0) as lost,
        pytest.raises(ServiceError, match="GET /version") as found,
    ):
        lost.version()
    assert "mitame serve" in found.value.remedy


def test_for_asyncio(server: Server, own: ServedCollection) -> None:
    """The same methods, awaited; many at once on one client."""

    async def all_of_it() -> None:
        async with mitame.AsyncClient(server.url, KEY) as client:
            mine = client.collection("own")
            await asyncio.gather(*(mine.add(f"n{n}", vector=[9, n]) for n in range(20)))
            assert await mine.count("category=mug") == 3
            assert await mine.count() == 23
            answers = await asyncio.gather(*(mine.similar("a", limit=1) for _ in range(20)))
            assert {each.neighbors[0].id for each in answers} == {"b"}
            assert [each.id async for each in mine.items("category=mug")] == ["a", "b", "c"]
            assert (await client.wait(await mine.merge())).state == "done"
            assert await mine.get("nobody") is None
            with pytest.raises(ItemNotFound):
                await mine.remove("nobody")
            assert "own" in await client.collections()

    asyncio.run(all_of_it())
