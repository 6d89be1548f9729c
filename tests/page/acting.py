"""What a reader does with hands: drops files, pastes, draws with mouse or finger, presses keys."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.page.browser import Browser

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement


def drop(page: Browser, *files: Path) -> None:
    """Files from the desktop, dropped in the middle of the page by the browser itself."""
    data = {"items": [], "files": [str(each) for each in files], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        event = {"type": step, "x": 200, "y": 400, "data": data}
        page.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)
    changed(page)


def paste(page: Browser, *, file: bytes | None = None, text: str | None = None) -> None:
    """A picture's file or a text from the clipboard, while nothing has the focus."""
    encoded = None if file is None else base64.b64encode(file).decode()
    page.run(
        """
        const [encoded, text] = arguments, carried = new DataTransfer();
        if (encoded !== null) {
          const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
          carried.items.add(new File([bytes], 'pasted.png', { type: 'image/png' }));
        }
        if (text !== null) carried.setData('text/plain', text);
        const told = { clipboardData: carried, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new ClipboardEvent('paste', told));
        """,
        encoded,
        text,
    )
    changed(page)


def changed(page: Browser) -> None:
    """Wait for the address to name an example, and for its answer."""
    page.until(lambda: "like=" in page.driver.current_url, "nothing was asked")
    page.settled()


def press(page: Browser, *keys: str) -> None:
    """Keys, one after the other, wherever the focus is; ``Shift+Tab`` for both at once."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for key in keys:
        actions = ActionChains(page.driver)
        if key.startswith("Shift+"):
            actions.key_down(Keys.SHIFT).send_keys(_key(key[6:])).key_up(Keys.SHIFT)
        else:
            actions.send_keys(_key(key))
        actions.perform()


def _key(name: str) -> str:
    from selenium.webdriver.common.keys import Keys

    return str(getattr(Keys, name.upper())) if len(name) > 1 else name


def draw_box(page: Browser, stage: WebElement, box: tuple[float, float, float, float]) -> None:
    """With the mouse, from one corner to the other: shares of the stage."""
    from selenium.webdriver.common.action_chains import ActionChains

    left, top, right, bottom = box
    width, height = stage.size["width"], stage.size["height"]
    actions = ActionChains(page.driver, duration=50)
    actions.move_to_element_with_offset(stage, *_offset(width, height, left, top))
    actions.click_and_hold()
    actions.move_to_element_with_offset(stage, *_offset(width, height, right, bottom))
    actions.release().perform()


def _offset(width: int, height: int, x: float, y: float) -> tuple[int, int]:
    return round(width * (x - 0.5)), round(height * (y - 0.5))


def touch_box(page: Browser, stage: WebElement, box: tuple[float, float, float, float]) -> None:
    """The same with a finger."""
    area: Any = page.run("return arguments[0].getBoundingClientRect().toJSON()", stage)

    def at(x: float, y: float) -> list[dict[str, float]]:
        return [{"x": area["left"] + x * area["width"], "y": area["top"] + y * area["height"]}]

    left, top, right, bottom = box
    middle = at((left + right) / 2, (top + bottom) / 2)
    for kind, points in (
        ("touchStart", at(left, top)),
        ("touchMove", middle),
        ("touchMove", at(right, bottom)),
        ("touchEnd", []),
    ):
        event = {"type": kind, "touchPoints": points}
        page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)


def focused(page: Browser) -> str:
    """What a screen reader would call the element that has the focus: its name, or its text."""
    told: str = page.run(
        "const one = document.activeElement;"
        "return one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent"
    )
    return told
