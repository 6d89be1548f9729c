"""Thumbnails of items over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import mitame
from mitame.collection import Item, ItemImage, Put
from mitame.collection.paths import COPIES, THUMBNAILS
from mitame.images.fingerprint import content_hash
from mitame.thumbnails.store import ThumbnailStore
from tests.serving.item_server import OWN, PICTURES, form, item_server, picture, problem, text
from tests.serving.running_server import Server

ITEMS = f"{PICTURES}/items"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures."""
    made = tmp_path_factory.mktemp("folder")
    for name, seed, size in (("a", 1, (400, 100)), ("b", 2, (9, 7)), ("gone", 3, (300, 300))):
        (made / f"{name}.png").write_bytes(picture(seed, size=size))
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Server]:
    """It makes only what is asked for: what it makes unasked is tested elsewhere."""
    data = tmp_path_factory.mktemp("thumbnails")
    with item_server(data, Server(data, "--set", "thumbnails=false")) as running:
        with mitame.open(running.data, "pictures") as shop:
            shop.index(folder)
            shop.add("two", images=[folder / "a.png", folder / "b.png"])
            shop.add("a/b \N{FOX FACE}", image=folder / "a.png")
        yield running


def shown(server: Server, path: str) -> Image.Image:
    """The picture that is answered."""
    answer = server.ask("GET", path)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "image/jpeg"
    picture = Image.open(io.BytesIO(answer.body))
    assert picture.format == "JPEG"
    picture.load()
    return picture


def test_sizes(server: Server) -> None:
    """It fits in the square that is asked for, keeps its shape and is never enlarged."""
    assert shown(server, f"{ITEMS}/a.png/thumbnail").size == (256, 64)
    assert shown(server, f"{ITEMS}/a.png/thumbnail?side=64").size == (64, 16)
    assert shown(server, f"{ITEMS}/a.png/thumbnail?side=1024").size == (400, 100)
    assert shown(server, f"{ITEMS}/two/thumbnail?image=1").size == (9, 7)
    assert shown(server, f"{ITEMS}/a%2Fb%20%F0%9F%A6%8A/thumbnail").size == (256, 64)


def test_the_path_of_an_answer_leads_to_it(server: Server) -> None:
    """What a neighbour says its image is can be had there."""
    found = server.ask("GET", f"{ITEMS}/b.png/similar?limit=10").json()["neighbors"]
    assert {n["id"] for n in found} >= {"a.png", "two", "a/b \N{FOX FACE}"}
    for neighbor in found:
        assert server.ask("GET", neighbor["image"]).status in (
            200,
            404 * (neighbor["id"] == "gone.png"),
        )


def test_what_is_known_is_not_sent_again(server: Server) -> None:
    """304 for the tag; another size has another one. Proxies don't keep it for others."""
    path = f"{ITEMS}/a.png/thumbnail"
    answer = server.ask("GET", path)
    tag = answer.headers["etag"]
    assert "private" in answer.headers["cache-control"]
    again = server.ask("GET", path, None, {"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    other = server.ask("GET", f"{path}?side=32", None, {"If-None-Match": tag})
    assert other.status == 200
    assert other.headers["etag"] != tag


def test_what_can_not_be_shown(server: Server, folder: Path) -> None:
    """A picture that was never here, that has gone or is another: 404 without its path."""
    bare = server.ask("PUT", f"{OWN}/items/bare", {"vector": [1, 2, 3, 4]})
    assert bare.status == 200
    assert server.ask("GET", f"{OWN}/items/bare/thumbnail").status == 404
    assert problem(server.ask("GET", f"{ITEMS}/none/thumbnail")) == (404, "item_not_found")
    beyond = server.ask("GET", f"{ITEMS}/a.png/thumbnail?image=1")
    assert problem(beyond) == (404, "picture_not_kept")
    (folder / "gone.png").write_bytes(picture(10, size=(64, 64)))
    for _ in range(2):
        answer = server.ask("GET", f"{ITEMS}/gone.png/thumbnail?side=99")
        assert problem(answer) == (404, "picture_not_kept")
        assert str(folder).encode() not in answer.body
        (folder / "gone.png").unlink(missing_ok=True)


def test_what_was_uploaded_is_shown(server: Server) -> None:
    """Alone, in a form, in a batch: a small copy of it is kept, whatever becomes of the file."""
    media = {"Content-Type": "image/png"}
    assert server.ask("PUT", f"{ITEMS}/sent", picture(9, size=(700, 350)), media).status == 200
    assert shown(server, f"{ITEMS}/sent/thumbnail").size == (256, 128)
    assert shown(server, f"{ITEMS}/sent/thumbnail?side=1024").size == (512, 256)
    body, headers = form(("image", "image/png", picture(30)), ("image", "image/png", picture(31)))
    assert server.ask("PUT", f"{ITEMS}/formed", body, headers).status == 200
    assert shown(server, f"{ITEMS}/formed/thumbnail?image=1").size == (24, 16)
    rows = [{"id": "rowed", "image_base64": text(picture(32))}]
    assert server.ask("POST", f"{ITEMS}:batch", rows).json()["failed"] == 0
    assert shown(server, f"{ITEMS}/rowed/thumbnail").size == (24, 16)
    listed = server.ask("POST", f"{ITEMS}:scroll", {}).json()["items"]
    images = {each["id"]: each.get("image") for each in listed}
    for name in ("sent", "formed", "rowed"):
        assert images[name] == server.ask("GET", f"{ITEMS}/{name}").json()["image"]
        assert server.ask("GET", images[name]).status == 200


def test_vectors_alone_have_no_picture_to_show(server: Server) -> None:
    """An item without a picture names no thumbnail."""
    put = server.ask("PUT", f"{OWN}/items/bare", {"vector": [1, 2, 3, 4]})
    assert put.status == 200, put.body
    assert "image" not in server.ask("GET", f"{OWN}/items/bare").json()


def copy_of(folder: Path, data: bytes) -> bytes | None:
    """The small copy of an uploaded picture that a collection's folder has."""
    store = ThumbnailStore(folder / COPIES)
    found = store.find(content_hash(data))
    store.close()
    return found


def test_a_refused_upload_keeps_nothing(server: Server) -> None:
    """A picture that can't be used leaves no copy, nor does a good one of the same item."""
    shop = server.data / "pictures"
    good, bad = picture(40), picture(41)[:200]
    for number, pair in enumerate(((good, bad), (bad, good))):
        body, headers = form(*(("image", "image/png", each) for each in pair))
        assert server.ask("PUT", f"{ITEMS}/half{number}", body, headers).status == 422
        assert server.ask("GET", f"{ITEMS}/half{number}").status == 404
    rows = [{"id": "half", "image_base64": text(bad)}, {"id": "own", "image_base64": text(good)}]
    assert server.ask("POST", f"{ITEMS}:batch", rows[:1]).json()["failed"] == 1
    assert copy_of(shop, good) is None
    assert server.ask("POST", f"{ITEMS}:batch", rows).json()["failed"] == 1
    assert copy_of(shop, good) is not None
    assert copy_of(shop, bad) is None


def test_copies_may_be_left_out(tmp_path: Path) -> None:
    """Who keeps none has none: the setting is 0."""
    env = {"MITAME_SERVE_LIMITS_COPIES_MB": "0"}
    with item_server(tmp_path, Server(tmp_path, env=env)) as running:
        media = {"Content-Type": "image/png"}
        assert running.ask("PUT", f"{ITEMS}/sent", picture(9), media).status == 200
        gone = running.ask("GET", f"{ITEMS}/sent/thumbnail")
        assert problem(gone) == (404, "picture_not_kept")
        assert not (tmp_path / "pictures" / COPIES).exists()


def test_copies_are_backed_up(server: Server, tmp_path: Path) -> None:
    """They can't be made anew, so a backup has them."""
    media = {"Content-Type": "image/png"}
    assert server.ask("PUT", f"{ITEMS}/saved", picture(50), media).status == 200
    with mitame.open(server.data, "pictures") as shop:
        shop.store.backup(tmp_path / "kept")
    found = copy_of(tmp_path / "kept", picture(50))
    assert found is not None
    assert found == copy_of(server.data / "pictures", picture(50))
    assert Image.open(io.BytesIO(found)).size == (24, 16)


def test_no_other_file_is_read(server: Server, tmp_path: Path) -> None:
    """An item whose picture claims to lie at a secret's path shows nothing of it."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    with mitame.open(server.data, "pictures") as shop:
        vectors = {"color": shop.vectors("a.png")[0]}
        for number, digest in enumerate((None, "0" * 64)):
            image = ItemImage(vectors, content_hash=digest, source=str(secret))
            shop.store.append([Put(Item(f"claim{number}", images=(image,)))])
    for number in range(2):
        answer = server.ask("GET", f"{ITEMS}/claim{number}/thumbnail")
        assert problem(answer) == (404, "picture_not_kept")


def test_a_picture_with_a_url_is_shown_from_there(server: Server) -> None:
    """A redirect: the server fetches nothing for a reader."""
    with mitame.open(server.data, "pictures") as shop:
        vectors = {"color": shop.vectors("a.png")[0]}
        image = ItemImage(vectors, content_hash="0" * 64, source="https://example.org/a b.jpg")
        shop.store.append([Put(Item("linked", images=(image,)))])
    answer = server.ask("GET", f"{ITEMS}/linked/thumbnail")
    assert answer.status == 307
    assert answer.headers["location"] == "https://example.org/a%20b.jpg"


@pytest.mark.parametrize("query", ["side=15", "side=1025", "side=x", "image=-1", "size=64"])
def test_what_is_refused(server: Server, query: str) -> None:
    """Sizes beyond the bounds, and fields that are not known."""
    answer = server.ask("GET", f"{ITEMS}/a.png/thumbnail?{query}")
    assert problem(answer) == (422, "invalid_body")


def test_who_takes_webp_gets_it(server: Server) -> None:
    """Browsers do; another tag, the same size; caches know that there are two."""
    path = f"{ITEMS}/a.png/thumbnail"
    plain = server.ask("GET", path)
    answer = server.ask("GET", path, None, {"Accept": "image/avif,image/webp,*/*"})
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["etag"] != plain.headers["etag"]
    assert answer.headers["vary"] == plain.headers["vary"] == "Accept"
    found = Image.open(io.BytesIO(answer.body))
    assert (found.format, found.size) == ("WEBP", (256, 64))


def test_what_was_made_is_kept(server: Server, folder: Path) -> None:
    """By content: also once the file has gone, and for another item with the same picture."""
    file = folder / "kept.png"
    file.write_bytes(picture(20, size=(80, 40)))
    with mitame.open(server.data, "pictures") as shop:
        shop.index(file)
        shop.add("twin", image=file)
    first = server.ask("GET", f"{ITEMS}/kept.png/thumbnail?side=48")
    file.unlink()
    for item in ("kept.png", "twin"):
        again = server.ask("GET", f"{ITEMS}/{item}/thumbnail?side=48")
        assert (again.status, again.body) == (200, first.body)
    other = server.ask("GET", f"{ITEMS}/kept.png/thumbnail?side=49")
    assert problem(other) == (404, "picture_not_kept")


def test_the_store_is_bounded_and_survives_damage(tmp_path: Path) -> None:
    """The oldest go; a file that is none is as if there were nothing in it."""
    store = ThumbnailStore(tmp_path / THUMBNAILS, max_bytes=2_000)
    for number in range(20):
        store.keep(f"{number}", bytes([number]) * 300)
    assert store.find("19") == bytes([19]) * 300
    kept = [number for number in range(20) if store.find(f"{number}") is not None]
    assert kept == [15, 16, 17, 18, 19]  # the oldest of them in part within the bound
    store.keep("19", b"other")
    assert store.find("19") == bytes([19]) * 300
    store.close()
    (tmp_path / THUMBNAILS).write_bytes(b"no database at all" * 100)
    again = ThumbnailStore(tmp_path / THUMBNAILS)
    again.keep("1", b"data")
    assert again.find("1") is None
    again.close()


def test_the_file_goes_before_a_copy_of_it(server: Server, folder: Path) -> None:
    """A picture that lies here is shown from its file, as large as it is, upload or not."""
    file = folder / "large.png"
    file.write_bytes(picture(60, size=(900, 600)))
    media = {"Content-Type": "image/png"}
    assert server.ask("PUT", f"{ITEMS}/also-sent", file.read_bytes(), media).status == 200
    with mitame.open(server.data, "pictures") as shop:
        shop.index(file)
    assert shown(server, f"{ITEMS}/large.png/thumbnail?side=768").size == (768, 512)
    file.unlink()
    assert shown(server, f"{ITEMS}/large.png/thumbnail?side=1024").size == (512, 341)
