"""``mitame top``."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mitame.cli.options import debug_option
from mitame.cli.telling import tell

if TYPE_CHECKING:
    from mitame.cli.overview import Reading

_TIMEOUT = 10.0
_MOST_BYTES = 16_000_000
_CLEAR = "\x1b[H\x1b[2J"


@click.command("top")
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    show_default=True,
    envvar="MITAME_URL",
    show_envvar=True,
    help="Where the server listens.",
)
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3_600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks.",
)
@click.option("--once", is_flag=True, help="Look twice, tell once, and end.")
@debug_option
def top_command(url: str, every: float, once: bool) -> int:
    """Watch a running server: requests, times, queues, deltas, long work.

    Reads its /metrics, which needs no key. Ends with q or Ctrl-C.
    """
    from mitame.cli.overview import overview

    before = _reading(url)
    is_screen = sys.stdout.isatty() and not once
    with _keys() as keyboard, suppress(KeyboardInterrupt):
        while not _is_left(keyboard, every):
            now = _reading(url)
            lines = overview(before, now)
            at = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
            ending = ", q to end" if is_screen else ""
            if is_screen:
                sys.stdout.write(_CLEAR)
            for line in [f"{url}, {at}{ending}", *lines]:
                tell(line)
            if once:
                break
            before = now
    return 0


def _reading(url: str) -> Reading:
    """The server's metrics as they are now.

    Raises:
        TargetError: it does not answer, or something else does.
    """
    from mitame.cli.overview import Reading
    from mitame.errors import TargetError
    from mitame.serving.seeing.exposition import parsed

    samples = parsed(_page(url))
    if not any(sample.name == "mitame_workers" for sample in samples):
        raise TargetError(f"what answers at {url} is no mitame server")
    return Reading(samples, time.monotonic())


def _page(url: str) -> str:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit

    from mitame.errors import TargetError, UsageError

    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no address of a server", remedy="use http://HOST:PORT")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/metrics")
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise TargetError(
            f"no server answers at {url} ({error})", remedy="start it with: mitame serve"
        ) from error
    if answer.status != 200:
        raise TargetError(f"{url}/metrics answers {answer.status} {answer.reason}")
    return body.decode(errors="replace")


@contextmanager
def _keys() -> Iterator[bool]:
    """Single keys without Enter, where there is a keyboard to read them from; whether there is."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: Ctrl-C ends it there
        yield False
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield False
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _is_left(keyboard: bool, seconds: float) -> bool:
    """Wait so long; true at once where q is pressed."""
    if not keyboard:
        time.sleep(seconds)
        return False
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([sys.stdin], [], [], left)[0] and sys.stdin.read(1) in ("q", "Q", ""):
            return True
    return False
