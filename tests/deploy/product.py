"""What the files of ``deploy/`` may rely on: flags, variables and paths that there really are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from mitame.cli.serve import serve_command
from mitame.config import ServeConfig
from mitame.configuring.settings import FILE_VARIABLE, SETTINGS, variable_of
from mitame.embedders.cache import VARIABLE as CACHE_VARIABLE
from mitame.serving.callers.environment_key import FILE_VARIABLE as KEY_FILE_VARIABLE
from mitame.serving.callers.environment_key import VARIABLE as KEY_VARIABLE
from mitame.serving.table import routes_of

VARIABLES = {variable_of(name) for name in SETTINGS} | {
    FILE_VARIABLE,
    CACHE_VARIABLE,
    KEY_VARIABLE,
    KEY_FILE_VARIABLE,
}
PORT = str(ServeConfig(Path()).port)


def check_serve(words: Sequence[str]) -> dict[str, object]:
    """The flags of a ``mitame serve ...`` by name; an assertion where there is no such flag."""
    assert words[0] == "serve", words
    parser = serve_command.make_parser(click.Context(serve_command))
    values, rest, _ = parser.parse_args(list(words[1:]))  # raises for an unknown flag
    assert not rest
    return dict(values)


def check_variables(text: str) -> set[str]:
    """The variables of mitame that a text names; an assertion where there is no such variable."""
    found = set(re.findall(r"MITAME_[A-Z_]*[A-Z]\b", text))
    assert found
    assert found <= VARIABLES, found - VARIABLES
    return found


def check_path(path: str) -> None:
    """An assertion that the service has a GET route of exactly this path."""
    assert path in {route.path for route in routes_of(ServeConfig(Path())) if route.method == "GET"}
