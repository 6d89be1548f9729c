"""The error tree: stable codes, statuses, remedies, and its own picture of itself."""

from __future__ import annotations

import importlib
import inspect
from itertools import pairwise

import pytest

from mitame import errors
from mitame.errors import MissingExtra, MitameError

TREE = [
    each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, MitameError)
]


def test_codes_are_unique() -> None:
    """A script that matches on a code meets one error only."""
    codes = [each.code for each in TREE]
    assert len(set(codes)) == len(codes)


def test_no_status_is_a_server_error() -> None:
    """What a caller can cause, a caller can mend; but `Overloaded`, which all cause together."""
    assert all(400 <= each.status < 500 for each in TREE if each is not errors.Overloaded)
    assert errors.Overloaded.status == 503


def test_docstring_draws_every_class_under_its_parent() -> None:
    """The drawing at the top of the module is the tree as it is."""
    drawn = [line for line in (errors.__doc__ or "").splitlines() if "── " in line]
    parents: dict[int, str] = {-1: "MitameError"}
    for line in drawn:
        depth = line.index("── ") // 4
        name = line.split("── ")[1].split()[0]
        parent = parents[depth - 1] if depth > 1 else "MitameError"
        parents[depth] = name
        bases = [base.__name__ for base in getattr(errors, name).__bases__]
        assert parent in bases or depth <= 1, (name, parent, bases)
    names = {line.split("── ")[1].split()[0] for line in drawn} | {"MitameError"}
    assert names == {each.__name__ for each in TREE}


def test_line_is_one_line_with_the_remedy() -> None:
    """The command line prints what is wrong and what to do, never a paragraph."""
    error = MitameError("a\nb", remedy="do c")
    assert error.line() == "a b: do c"
    assert MitameError("a").line() == "a"


def test_missing_extra_says_the_install_command() -> None:
    """Nobody has to look up what an extra is called."""
    assert MissingExtra("reading HEIC", "heic").line().endswith("pip install 'mitame[heic]'")


@pytest.mark.parametrize("room", ["base", "pictures", "collections", "requests"])
def test_classes_stand_in_the_drawing_order(room: str) -> None:
    """Reading a module top to bottom follows the drawing; each class stands in one of them."""
    source = inspect.getsource(importlib.import_module(f"mitame.errors.{room}"))
    drawing = (errors.__doc__ or "").splitlines()
    drawn = [line.split("── ")[1].split()[0] for line in drawing if "── " in line]
    here = [name for name in drawn if getattr(errors, name).__module__ == f"mitame.errors.{room}"]
    places = [source.index(f"class {name}(") for name in here]
    assert places
    assert all(a < b for a, b in pairwise(places))
