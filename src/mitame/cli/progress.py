"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from mitame.ingest.report import Progress

LINE_SECONDS = 5.0


class ProgressBar:
    """Shows images done, images per second and the time left. Use it in a ``with`` block.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._started = self._said = time.monotonic()

    def __enter__(self) -> ProgressBar:
        if self._terminal and not self._quiet:
            self._bar = tqdm(
                desc="Indexing", unit=" images", smoothing=0.1, dynamic_ncols=True, file=sys.stderr
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Bring the display up to date; cheap enough to be called per image."""
        if self._bar is not None:
            if progress.total is not None and self._bar.total != progress.total:
                self._bar.total = progress.total
            self._bar.update(progress.done - self._bar.n)
        elif not self._quiet:
            self._line(progress)

    def _line(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._said < LINE_SECONDS:
            return
        self._said = now
        rate = progress.done / (now - self._started)
        of, left = "", ""
        if progress.total is not None and rate:
            of = f" of {progress.total}"
            left = f", {max(0, progress.total - progress.done) / rate:.0f} s left"
        text = f"{progress.done}{of} images, {rate:.0f} images/s{left}"
        print(text, file=sys.stderr, flush=True)


class StepBar:
    """Shows steps done of a total, on a terminal only. Use it in a ``with`` block.

    Args:
        what: the word before the bar.
        unit: after the numbers.
        scale: write large numbers as k and M.
        quiet: show nothing.
    """

    def __init__(self, what: str, unit: str, *, scale: bool = False, quiet: bool = False) -> None:
        self._bar = tqdm(
            desc=what,
            unit=unit,
            unit_scale=scale,
            dynamic_ncols=True,
            file=sys.stderr,
            disable=quiet or not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def __call__(self, done: int, total: int) -> None:
        """Bring the display up to date."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)


class BytesBar(StepBar):
    """Shows bytes done of a total.

    Args:
        what: the word before the bar.
        quiet: show nothing.
    """

    def __init__(self, what: str, *, quiet: bool = False) -> None:
        super().__init__(what, "B", scale=True, quiet=quiet)
