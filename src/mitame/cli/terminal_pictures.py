"""Pictures in terminals that can show them: the kitty and iTerm2 graphics protocols."""

from __future__ import annotations

import base64
import io
import os
import sys

from mitame.errors import MitameError

SIDE = 160
CHUNK = 4096  # kitty takes at most this many base64 characters per escape sequence


def can_show() -> bool:
    """True when standard output is a terminal known to show pictures."""
    return sys.stdout.isatty() and (_kitty() or _iterm())


def show(location: str) -> None:
    """Print a small version of the picture; a picture that can't be read is passed over."""
    try:
        png = _small_png(location)
    except MitameError:
        return
    text = base64.standard_b64encode(png).decode()
    sys.stdout.write(_iterm_sequence(text, len(png)) if _iterm() else _kitty_sequence(text))
    sys.stdout.write("\n")
    sys.stdout.flush()


def _kitty() -> bool:
    names = os.environ.get("TERM", ""), os.environ.get("TERM_PROGRAM", "")
    return "kitty" in names[0] or "ghostty" in names[0] or names[1] in ("ghostty",)


def _iterm() -> bool:
    return os.environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "vscode")


def _small_png(location: str) -> bytes:
    from pathlib import Path

    from PIL import Image

    from mitame.images.decode import decode
    from mitame.images.limits import ImageLimits
    from mitame.images.sources import read_file

    decoded = decode(read_file(Path(location), ImageLimits()), min_side=SIDE)
    picture = Image.fromarray(decoded.pixels)
    picture.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _iterm_sequence(text: str, size: int) -> str:
    return f"\x1b]1337;File=inline=1;size={size}:{text}\a"


def _kitty_sequence(text: str) -> str:
    parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    out = []
    for number, part in enumerate(parts):
        more = int(number < len(parts) - 1)
        keys = f"a=T,f=100,m={more}" if number == 0 else f"m={more}"
        out.append(f"\x1b_G{keys};{part}\x1b\\")
    return "".join(out)
