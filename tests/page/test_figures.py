"""What a first visit costs, as Chromium measures it: times are printed, all else is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.page.browser import DESKTOP, Browser, browser
from tests.serving.running_server import Server

_WATCH = """
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) shift += each.value;
  }).observe({ type: 'layout-shift', buffered: true });
  new MutationObserver(() => {
    if (window.shown || !document.querySelector('.tile')) return;
    window.shown = performance.now();
    const painted = () => { window.painted = performance.now(); };
    requestAnimationFrame(() => requestAnimationFrame(painted));
  }).observe(document, { childList: true, subtree: true });
"""
_TOLD = """
  const [paint] = performance.getEntriesByName('first-contentful-paint');
  const [page] = performance.getEntriesByType('navigation');
  const parts = performance.getEntriesByType('resource');
  const scripts = parts.filter(({ name }) => name.endsWith('.js'));
  const asked = parts.filter(({ name }) => name.includes('/items:random'));
  return {
    paint: paint.startTime, shown, painted, shift,
    afterReply: painted - asked.at(-1).responseEnd,
    bytes: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    names: parts.map(({ name }) => name),
    chain: page.domContentLoadedEventEnd,
  };
"""


@pytest.fixture
def fresh(shop: Server) -> Iterator[Browser]:
    """A browser with nothing in its cache."""
    with browser() as opened:
        opened.look(*DESKTOP)
        opened.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        opened.driver.get(shop.url)
        yield opened


def test_a_first_visit(fresh: Browser, shop: Server) -> None:
    """Scripts stay small on the wire, nothing moves once shown, only the server is asked."""
    fresh.until(lambda: fresh.run("return window.painted"), "nothing is painted")
    fresh.settled()
    fresh.painted()
    told = fresh.run(_TOLD)
    print(
        f"first paint {told['paint']:.0f} ms, pictures in place {told['painted']:.0f} ms, "
        f"{told['afterReply']:.0f} ms after the server's reply, "
        f"scripts {told['bytes'] / 1000:.1f} kB, layout shift {told['shift']:.4f}, "
        f"{len(told['names'])} requests"
    )
    assert told["bytes"] < 150_000
    assert told["shift"] < 0.1
    assert {urlsplit(each).netloc for each in told["names"]} == {urlsplit(shop.url).netloc}


def test_a_second_visit_asks_for_no_file_again(fresh: Browser, shop: Server) -> None:
    """Files come from the browser's cache, as their addresses hold their version."""
    fresh.settled()
    fresh.driver.get("about:blank")
    fresh.open(shop.url)
    sent = fresh.run(
        "return performance.getEntriesByType('resource')"
        ".filter(({ name }) => name.includes('/page/'))"
        ".filter(({ transferSize }) => transferSize > 0).map(({ name }) => name)"
    )
    assert sent == []
