"""A real, headless Chromium that tells of all that goes wrong in a page; skipped where none is."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:  # imported where it is used: tests that need no browser run without selenium
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

    from tests.serving.running_server import Server

T = TypeVar("T")
SECONDS = 20.0
"""How long to wait for something before it counts as missing."""
PHONE, DESKTOP = (390, 844), (1280, 860)
REFUSAL = "the server responded with"
"""The browser's own words about a refusal, which the page shows."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WATCH = """
  window.found = [];
  addEventListener('securitypolicyviolation', (event) => {
    found.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
  addEventListener('unhandledrejection', (event) => found.push(`rejected: ${event.reason}`));
  addEventListener('error', ({ message }) => { if (message) found.push(`error: ${message}`); });
"""


class Browser:
    """One window.

    Attributes:
        driver: of selenium.
    """

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})

    def load(self, address: str) -> None:
        """Go to an address from nowhere: another fragment alone would load nothing."""
        self.driver.get("about:blank")
        self.driver.get(address)

    def open(self, address: str) -> None:
        """Go to an address, and wait until its first answer is shown."""
        self.load(address)
        self.settled()

    def forget(self, origin: str) -> None:
        """Leave the page, and forget all that it has kept."""
        self.driver.get("about:blank")
        self._command("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})

    def settled(self) -> None:
        """Wait until nothing is asked any more and all that is in sight is painted."""
        # After a frame the page knows of a change of its address, too.
        self.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        self.until(
            lambda: self.run(
                "const shown = document.querySelector('.results');"
                "const images = [...document.images].filter((i) => i.loading !== 'lazy');"
                "return shown !== null && !shown.hasAttribute('aria-busy')"
                " && images.every((image) => image.complete)"
            ),
            "the page does not settle",
        )

    def run(self, script: str, *values: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *values)

    def until(self, what: Callable[[], T], problem: str) -> T:
        """Wait until something is true; what it is then."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        # What was found may be drawn anew before it is read.
        gone = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, SECONDS, 0.05, ignored_exceptions=gone)
        return wait.until(lambda _: what(), problem)

    def all(self, selector: str) -> list[WebElement]:
        """Elements by a selector of CSS."""
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> WebElement:
        """The first element of a selector that is shown, waited for."""

        def shown() -> WebElement | None:
            return next((each for each in self.all(selector) if each.is_displayed()), None)

        found = self.until(shown, f"nothing is shown of {selector}")
        assert found is not None
        return found

    def texts(self, selector: str) -> list[str]:
        """What all elements of a selector say."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)",
            selector,
        )
        return found

    def ids(self) -> list[str]:
        """Of the items in the grid, in their order."""
        script = "return [...document.querySelectorAll('.grid .caption .id')].map((e) => e.title)"
        found: list[str] = self.run(script)
        return found

    def choose(self, selector: str, value: str) -> None:
        """One of a select's options, as a reader does."""
        self.run(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('change', { bubbles: true }))",
            self.one(selector),
            value,
        )

    def painted(self) -> None:
        """Wait until all pictures that are in sight are there."""
        script = (
            "return [...document.images].filter((one) => one.checkVisibility())"
            ".filter((one) => one.getBoundingClientRect().top < innerHeight)"
            ".every((one) => one.complete)"
        )
        self.until(lambda: self.run(script), "pictures are missing")
        self.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")

    def look(
        self,
        width: int,
        height: int,
        *,
        dark: bool = False,
        touch: bool = False,
        scale: float = 1,
    ) -> None:
        """The window's size, the system's theme, whether there is a finger, and the sharpness."""
        self._command(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": touch},
        )
        self._command("Emulation.setTouchEmulationEnabled", {"enabled": touch, "maxTouchPoints": 1})
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", {"features": [theme]})

    def looks(self) -> Iterator[None]:
        """Once on a wide screen and once on a phone, in both themes, come to rest in each."""
        still = "return document.getAnimations().length === 0"
        for size in (DESKTOP, PHONE):
            for dark in (False, True):
                self.look(*size, dark=dark)
                self.until(lambda: self.run(still), "it does not come to rest")
                yield

    @contextmanager
    def watched(self, *expected: str) -> Iterator[None]:
        """Nothing is complained of in the block, but what has one of these texts in it."""
        self.problems()
        yield
        assert self.unexpected(*expected) == []

    def unexpected(self, *expected: str) -> list[str]:
        """What was complained of, but for what has one of these texts in it."""
        return [each for each in self.problems() if not any(text in each for text in expected)]

    def problems(self) -> list[str]:
        """What the console and the policy complained of since the last call."""
        logged = self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium's own
        found = [each["message"] for each in logged if each["level"] in ("SEVERE", "WARNING")]
        return found + list(self.run("return (window.found ?? []).splice(0)"))

    def accessibility(self) -> list[str]:
        """What axe finds, each with its place."""
        self.run(_axe())
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "const wanted = { resultTypes: ['violations'] };"
            "axe.run(document, wanted).then((told) => done(told.violations));"
        )
        return [
            f"{each['impact']} {each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for each in found
            for node in each["nodes"]
        ]

    def barriers(self) -> list[str]:
        """What keeps people out: what axe finds, and a page that must be scrolled sideways."""
        wide = self.run("return document.documentElement.scrollWidth - innerWidth")
        return [*self.accessibility(), *([f"{wide} pixels too wide"] if wide > 0 else [])]

    def picture(self) -> bytes:
        """A PNG of what is in sight."""
        return self.driver.get_screenshot_as_png()

    def _command(self, name: str, values: Mapping[str, Any]) -> None:
        self.driver.execute_cdp_cmd(name, dict(values))


def anew(window: Browser, server: Server) -> None:
    """At a server's page as at the first visit, on a wide screen."""
    window.look(*DESKTOP)
    window.forget(server.url)
    window.open(server.url)


@contextmanager
def browser(language: str = "en", flags: Sequence[str] = ()) -> Iterator[Browser]:
    """A browser with a fresh profile, in a reader's language.

    Args:
        language: that pages are asked for.
        flags: more of them for Chromium.
    """
    program, driver = _programs()
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = program
    for flag in (
        "--headless=new",
        "--no-sandbox",  # tests may run as root, in a container
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        *flags,
    ):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = Chrome(options=options, service=Service(driver))
    try:
        yield Browser(opened)
    finally:
        opened.quit()


def _programs() -> tuple[str, str]:
    """Chromium and its driver."""
    if importlib.util.find_spec("selenium") is None:
        pytest.skip("selenium is not installed: the page is not looked at")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("Chromium or chromedriver is not installed: the page is not looked at")
    return program, driver


def _axe() -> str:
    """axe-core, from a package that carries it."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("axe-playwright-python, which carries axe-core, is not installed")
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8")


def described(value: object) -> str:
    """A value as a script has it."""
    return json.dumps(value, ensure_ascii=False)
