"""Requests of a page that a test counts, holds, or answers itself."""

from __future__ import annotations

from tests.page.browser import Browser

_WATCH = """
  if (!window.requests) {
    const real = window.fetch;
    window.requests = { asked: [], held: [], holds: null, answers: [] };
    window.fetch = async (url, options = {}) => {
      const text = `${options.method ?? 'GET'} ${decodeURIComponent(new URL(url).pathname)}`;
      const { asked, held, holds, answers } = window.requests;
      asked.push(text);
      const place = answers.findIndex(({ part }) => text.includes(part));
      if (place >= 0) return answers.splice(place, 1)[0].answer(url, options);
      const isHeld = holds !== null && text.includes(holds);
      if (isHeld) await new Promise((done) => held.push(done));
      return real(url, options);
    };
  }
"""


def watch(page: Browser) -> None:
    """Count requests from now on, until the page is loaded anew."""
    page.run(_WATCH)


def asked(page: Browser, part: str) -> list[str]:
    """Requests since then whose method and path have this part, ``DELETE /v1/...``."""
    found: list[str] = page.run("return window.requests.asked")
    return [each for each in found if part in each]


def hold(page: Browser, part: str) -> None:
    """Let requests that have this part wait before they are sent."""
    watch(page)
    page.run("window.requests.holds = arguments[0]", part)


def held(page: Browser, count: int = 1) -> None:
    """Wait until at least so many requests are held."""
    script = "return window.requests.held.length >= arguments[0]"
    page.until(lambda: page.run(script, count), "it is not asked")


def release(page: Browser) -> None:
    """Send those that were held, and hold no more."""
    page.run(
        "window.requests.holds = null;for (const done of window.requests.held.splice(0)) done();"
    )


def answer(page: Browser, part: str, script: str, times: int = 1) -> None:
    """Answer the next requests that have this part by what a script is worth, in their stead.

    Args:
        script: an expression that is worth a ``Response``.
    """
    watch(page)
    page.run(
        f"for (let left = arguments[1]; left > 0; left -= 1)"
        f" window.requests.answers.push({{ part: arguments[0], answer: () => {script} }});",
        part,
        times,
    )
