"""Style sheets do not reach into each other's views: all of them are loaded at once."""

from __future__ import annotations

import re
from collections import defaultdict

from mitame.serving.page.files import page

COMMON = "style/base.css"
FRAME = {"style/shell.css": {"main"}}
"""Elements there is one of, which belong to the sheet that draws the frame."""


def selectors(text: str) -> list[str]:
    """Each selector of a sheet, those inside of ``@media`` too."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    heads = [each.strip() for each in re.findall(r"([^{}]+)\{", text)]
    parts = [re.split(r",(?![^(]*\))", head) for head in heads if not head.startswith("@")]
    return [each.strip() for group in parts for each in group]


def sheets() -> dict[str, list[str]]:
    found = {name: file.data.decode() for name, file in page().files.items()}
    return {name: selectors(text) for name, text in found.items() if name.endswith(".css")}


def test_elements_are_styled_in_the_common_sheet_alone() -> None:
    """A view's sheet that says how a table looks would say it for the tables of all views."""
    strays = [
        (name, each)
        for name, found in sheets().items()
        for each in found
        if name != COMMON
        and re.match(r"[a-z]", each)
        and "." not in re.split(r"[\s>~+]", each)[0]
        and each not in FRAME.get(name, ())
    ]
    assert strays == []


def test_no_class_is_drawn_by_two_sheets() -> None:
    """A class that stands alone belongs to one sheet; what a view changes of it names the view."""
    drawn = defaultdict(set)
    for name, found in sheets().items():
        for each in found:
            if name != COMMON and re.fullmatch(r"\.[\w-]+(:hover)?", each):
                drawn[each.removesuffix(":hover")].add(name)
    assert len(drawn) > 50
    assert {each: names for each, names in drawn.items() if len(names) > 1} == {}
