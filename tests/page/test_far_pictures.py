"""The page shows pictures that lie at addresses elsewhere, and asks no other site for them."""

from __future__ import annotations

from pathlib import Path

import mitame
from tests.page.browser import DESKTOP, Browser
from tests.picture_site import picture_site
from tests.serving.item_server import picture
from tests.serving.limited_server import limited_server


def test_a_picture_from_elsewhere_is_seen(window: Browser, tmp_path: Path) -> None:
    """From its copy or fetched by the server; one that is not to be had says what to do."""
    with picture_site() as site:
        addresses = [
            site.put(f"/{name}.png", picture(seed, size=(300, 200)))
            for seed, name in enumerate(("kept", "before", "lost"))
        ]
        for number, address in enumerate(addresses):
            most = 0 if number else 100
            lenses = {"color": "color"}
            with mitame.open(tmp_path, lenses=lenses, allow_private=True, copies_mb=most) as shop:
                shop.add(f"item{number}", image=address)
        del site.files["/kept.png"], site.files["/lost.png"]
        with limited_server(tmp_path, limits={}, allow_private=True) as running:
            window.look(*DESKTOP)
            window.open(f"{running.url}/#search?seed=5")
            script = "return document.querySelectorAll('.grid .frame.missing[title]').length === 1"
            window.until(lambda: window.run(script), "the one that is lost is not marked")
            script = (
                "return [...document.querySelectorAll('.grid img')].filter("
                "({ naturalWidth }) => naturalWidth === 300).length === 2"
            )
            window.until(lambda: window.run(script), "the others are not seen")
            assert window.run(
                "return performance.getEntriesByType('resource')"
                ".every(({ name }) => name.startsWith(location.origin))"
            )
