"""The contact sheet as one HTML file: no script, no address outside it, light and dark."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from mitame.demo.contact_sheet import SheetAnswer, SheetRow
from mitame.demo.thumbnails import thumbnail

THUMBNAIL_SIDE = 224
_QUALITY = 82

_STYLE = """
:root {
  color-scheme: light dark;
  --ground: #faf9f6; --card: #ffffff; --ink: #22252a; --quiet: #6d7178; --line: #e6e3dc;
  --accent: #1f5a8a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171a; --card: #1e2125; --ink: #eceae5; --quiet: #9aa0a8; --line: #30343a;
    --accent: #7db7e8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 3rem); max-width: 84rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", "Hiragino Sans", "Noto Sans", sans-serif;
}
h1 { margin: 0; font-size: clamp(1.5rem, 4vw, 2.25rem); font-weight: 650; letter-spacing: -0.02em; }
header p { margin: 0.4rem 0 0; color: var(--quiet); }
.row {
  display: grid; grid-template-columns: 11rem 1fr; gap: 2.5rem; align-items: start;
  padding: 2rem 0; border-top: 1px solid var(--line);
}
main { margin-top: 2.5rem; }
figure { margin: 0; min-width: 0; }
img, .blank {
  display: block; width: 100%; height: auto; aspect-ratio: 1; border-radius: 1rem; background: #fff;
  border: 1px solid var(--line); overflow: hidden;
}
.blank { display: grid; place-items: center; background: var(--card); color: var(--quiet);
  font-size: 0.85rem; }
.query :is(img, .blank) { border: 3px solid var(--accent); }
figcaption { margin-top: 0.6rem; font-size: 0.9rem; overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 1rem; font-weight: 650; }
ol {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
}
.judged { display: block; color: var(--quiet); font-variant-numeric: tabular-nums; }
.judged b { color: var(--ink); font-weight: 600; }
.judged i { font-style: normal; }
.judged .same { color: var(--accent); font-weight: 600; }
.judged .similar { color: var(--accent); }
.none { color: var(--quiet); }
footer { padding-top: 1.5rem; border-top: 1px solid var(--line); color: var(--quiet);
  font-size: 0.875rem; }
@media (max-width: 44rem) {
  .row { grid-template-columns: 1fr; gap: 1.25rem; }
  .query { display: grid; grid-template-columns: 6.5rem 1fr; gap: 1rem; align-items: center; }
  ol { grid-template-columns: repeat(3, 1fr); gap: 0.75rem; }
  figcaption { font-size: 0.8rem; }
}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>Each query in its frame, then what looks most like it, with a score of up to 1.</p>
</header>
<main>
{rows}
</main>
<footer>Made with mitame.</footer>
</body>
</html>
"""


def page_of(rows: Sequence[SheetRow], title: str) -> str:
    """The whole page; labels and title are escaped, pictures are data: addresses."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    body = "\n".join(_row(row) for row in rows) or '<p class="none">No queries.</p>'
    return _PAGE.format(policy=policy, title=escape(_clean(title)), style=_STYLE, rows=body)


def _row(row: SheetRow) -> str:
    label = escape(_clean(row.query_label))
    answers = "\n".join(f"<li>{_answer(answer)}</li>" for answer in row.answers)
    listed = f"<ol>\n{answers}\n</ol>" if answers else '<p class="none">Nothing looks like it.</p>'
    return (
        f'<section class="row">\n<figure class="query">{_picture(row.query)}'
        f"<figcaption><h2>{label}</h2></figcaption></figure>\n{listed}\n</section>"
    )


def _answer(answer: SheetAnswer) -> str:
    match = escape(_clean(answer.match))
    # The word is a class as well; only known ones are, so that a label can't break out of it.
    kind = f' class="{match}"' if match in ("same", "similar", "weak") else ""
    return (
        f"<figure>{_picture(answer.path)}<figcaption>{escape(_clean(answer.label))}"
        f'<span class="judged"><b>{answer.score:.2f}</b> <i{kind}>{match}</i></span>'
        "</figcaption></figure>"
    )


def _picture(path: Path) -> str:
    """The picture; its name is in the caption, so that it needs no text of its own."""
    small = thumbnail(path, THUMBNAIL_SIDE)
    if small is None:
        return '<div class="blank">no picture</div>'
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode()
    side = THUMBNAIL_SIDE
    return f'<img src="data:image/jpeg;base64,{data}" width="{side}" height="{side}" alt="">'


def _clean(text: str) -> str:
    """The text without what HTML can't carry: control characters and halves of characters."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in whole)
