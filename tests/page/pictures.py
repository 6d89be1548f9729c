"""Pictures of the page for the documentation: ``python -m tests.page.pictures [NAME ...]``.

A real server over the demonstration's pictures, a real browser, each view light and dark, on a
wide screen and on a phone, into ``docs/pictures/page-*.webp``. Look at them before you keep them.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import mitame
from mitame.demo.emoji import fetch_emoji
from tests.page.acting import draw_box, drop
from tests.page.browser import Browser, browser
from tests.serving.running_server import Server

TARGET = Path(__file__).parents[2] / "docs" / "pictures"
WIDE, PHONE = (1280, 800), (390, 780)
MOST_KB = 200
_QUALITY = 82


@dataclass(frozen=True)
class Shot:
    """A state of a view.

    Attributes:
        name: of the picture.
        address: what stands behind ``#``.
        act: what a reader does then.
        wide_only: not on a phone.
        ready: a selector of what is there once the view is; an answer where left out.
    """

    name: str
    address: str
    act: Callable[[Browser, Path], None] = lambda _page, _folder: None
    wide_only: bool = False
    ready: str | None = None


def drop_two(page: Browser, folder: Path) -> None:
    """A picture of two things, and a box around the right one."""
    both = Image.new("RGB", (640, 320), "white")
    for place, name in enumerate(("objects/guitar", "food-drink/croissant")):
        thing = Image.open(folder / f"{name}.webp").convert("RGBA").resize((260, 260))
        both.paste(thing, (40 + place * 300, 30), thing)
    both.save(folder.parent / "table.png")
    drop(page, folder.parent / "table.png")
    draw_box(page, page.one(".stage"), (0.52, 0.06, 0.97, 0.94))
    page.until(lambda: "box=" in page.driver.current_url, "no box was drawn")
    page.settled()


SHOTS = (
    Shot("start", "search?seed=11"),
    Shot("answer", "search?like=id:food-drink/red-apple.webp"),
    Shot(
        "examples",
        "search?like=id:animals-nature/tiger.webp&like=id:animals-nature/zebra.webp"
        "&unlike=id:animals-nature/horse.webp",
        wide_only=True,
    ),
    Shot("box", "search", drop_two, wide_only=True),
    Shot("map", "map", ready=".map-picture"),
    Shot("browse", "browse", ready=".samples img", wide_only=True),
    Shot(
        "why",
        "why?a=food-drink/red-apple.webp&b=food-drink/green-apple.webp",
        ready=".seen[tabindex]",
        wide_only=True,
    ),
)


@contextmanager
def shop() -> Iterator[tuple[Server, Path]]:
    """A server with the demonstration's pictures, and the folder that they are in."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "emoji"
        fetch_emoji(folder)
        with mitame.open(Path(scratch) / "data") as collection:
            collection.index(folder, category_from_folder=True)
            collection.store.merge()
        with Server(Path(scratch) / "data") as running:
            yield running, folder


def main(wanted: list[str]) -> None:
    """Take all pictures, or those that are named."""
    with shop() as (server, folder), browser() as page:
        for shot in SHOTS:
            if not wanted or shot.name in wanted:
                take(page, server, folder, shot)


def take(page: Browser, server: Server, folder: Path, shot: Shot) -> None:
    """One state, in both themes and on both screens."""
    for device, size in (("wide", WIDE), ("phone", PHONE)):
        for theme in ("light", "dark"):
            if device == "phone" and shot.wide_only:
                continue
            page.forget(server.url)
            page.look(*size, dark=theme == "dark", touch=device == "phone", scale=1.5)
            address = f"{server.url}/#{shot.address}"
            if shot.ready is None:
                page.open(address)
            else:
                page.load(address)
                page.one(shot.ready)
            shot.act(page, folder)
            page.painted()
            write(page.picture(), TARGET / f"page-{shot.name}-{device}-{theme}.webp")
    assert page.problems() == []


def write(png: bytes, path: Path) -> None:
    """As WebP, small enough for a repository."""
    Image.open(io.BytesIO(png)).convert("RGB").save(path, quality=_QUALITY, method=6)
    size = path.stat().st_size / 1000
    print(f"{path.name}: {size:.0f} kB")
    assert size < MOST_KB, path.name


if __name__ == "__main__":
    main(sys.argv[1:])
