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
from functools import partial
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

    @property
    def view(self) -> str:
        """Which view of the page it is of."""
        return self.address.partition("?")[0]


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


def scroll_to(selector: str, page: Browser, _folder: Path) -> None:
    """What is shown begins a little above."""
    page.run(
        "const top = document.querySelector(arguments[0]).closest('.panel').offsetTop;"
        "scrollTo({ top: top - 80, behavior: 'instant' })",
        selector,
    )


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
    Shot("browse", "browse", ready=".samples img"),
    Shot(
        "why",
        "why?a=food-drink/red-apple.webp&b=food-drink/green-apple.webp",
        ready=".seen[tabindex]",
    ),
    Shot("duplicates", "duplicates", ready=".group img"),
    Shot("bad", "bad", ready=".bad-files li"),
    Shot("quality", "quality", partial(scroll_to, ".card"), ready=".measure option"),
    Shot(
        "measured",
        "quality",
        partial(scroll_to, ".measure"),
        wide_only=True,
        ready=".measure option",
    ),
    Shot(
        "compared",
        "quality?item=food-drink/red-apple.webp",
        partial(scroll_to, ".sides"),
        wide_only=True,
        ready=".sides img",
    ),
    Shot("manage", "manage", ready=".items li"),
)


@contextmanager
def shop() -> Iterator[tuple[Server, Path]]:
    """A server with the demonstration's pictures, and the folder that they are in."""
    with tempfile.TemporaryDirectory(prefix="shop-") as scratch:
        folder = Path(scratch) / "pictures"
        fetch_emoji(folder)
        copied(folder)
        fill(Path(scratch) / "data", folder)
        with Server(Path(scratch) / "data") as running:
            yield running, folder


def copied(folder: Path) -> None:
    """Pictures that are there twice, a little brighter, and files that are no pictures."""
    for name in ("food-drink/red-apple", "objects/guitar", "animals-nature/tiger"):
        picture = Image.open(folder / f"{name}.webp").convert("RGBA")
        brighter = picture.point(lambda tone: min(255, tone + 3))
        brighter.save(folder / f"{name}-copy.png")
    whole = (folder / "food-drink/red-apple-copy.png").read_bytes()
    uploads = folder / "uploads"
    uploads.mkdir()
    (uploads / "broken-off.png").write_bytes(whole[: len(whole) // 3])
    (uploads / "empty.webp").touch()
    (uploads / "letter.jpg").write_text("Dear shop, ...", encoding="utf-8")


def fill(data: Path, folder: Path) -> None:
    """Two generations: at first all is looked at, then an engine is chosen; both are measured."""
    with mitame.open(data) as collection:
        collection.index(folder, category_from_folder=True)
        collection.store.merge()
        collection.evaluate()
        collection.tune(budget=10, engines=["exact", "cascade", "suco"], apply=True)
        collection.evaluate()


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
