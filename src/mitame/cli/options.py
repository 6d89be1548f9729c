"""Options that several commands share."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ParamSpec, TypeVar

import click

from mitame.cli.telling import json_line

if TYPE_CHECKING:
    from mitame.api import Collection

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


def default_data() -> str:
    """Where collections are kept when nobody says where."""
    import platformdirs

    return platformdirs.user_data_dir("mitame", appauthor=False)


def data_option(function: Callable[P, R]) -> Callable[P, R]:
    """``--data``."""
    return click.option(
        "--data",
        envvar="MITAME_DATA",
        default=default_data,
        show_default="your user data directory",
        show_envvar=True,
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="Directory that holds the collections.",
    )(function)


def collection_options(function: Callable[P, R]) -> Callable[P, R]:
    """``--data`` and ``--collection``."""
    collection = click.option(
        "--collection",
        default="default",
        show_default=True,
        metavar="NAME",
        help="Which collection.",
    )
    return data_option(collection(function))


def json_option(function: Callable[P, R]) -> Callable[P, R]:
    """``--json`` and ``--debug``, which every command has."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for scripts.")
    return as_json(debug_option(function))


def debug_option(function: Callable[P, R]) -> Callable[P, R]:
    """``--debug``: read by main, which then lets the traceback through."""

    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(function)
    def without_debug(*args: P.args, **kwargs: P.kwargs) -> R:
        kwargs.pop("debug", None)
        return function(*args, **kwargs)

    return without_debug


def threads_option(function: Callable[P, R]) -> Callable[P, R]:
    """``--threads``."""
    return click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        show_default="all cores",
        help="Cores to use.",
    )(function)


def private_option(function: Callable[P, R]) -> Callable[P, R]:
    """``--allow-private``."""
    return click.option(
        "--allow-private",
        is_flag=True,
        help="Fetch pictures from private network addresses, too.",
    )(function)


def megabytes_option(name: str, variable: str, *, default: float, text: str) -> Callable[[F], F]:
    """Room for what is kept; a server's variable counts here, too, as both write into one store."""
    return click.option(
        name,
        envvar=variable,
        type=click.FloatRange(0, 1_000_000),
        default=default,
        show_default=True,
        show_envvar=True,
        metavar="N",
        help=text,
    )


def copies_option(function: Callable[P, R]) -> Callable[P, R]:
    """``--copies-mb``."""
    return megabytes_option(
        "--copies-mb",
        "MITAME_SERVE_LIMITS_COPIES_MB",
        default=2_000,
        text="Megabytes of small copies of pictures that lie at URLs, kept to be shown; "
        "0 keeps none.",
    )(function)


def open_existing(data: Path, collection: str, **settings: Any) -> Collection:
    """The collection, which must exist."""
    from mitame.api import open as open_collection

    return open_collection(data, collection, create=False, **settings)


def print_json(value: object) -> None:
    """One line of JSON on standard output."""
    click.echo(json_line(value))


def standard_input() -> BinaryIO:
    """The picture that is piped in.

    Raises:
        UsageError: nothing is.
    """
    from mitame.errors import UsageError

    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("standard input is closed", remedy="pipe a picture in, or name a file")
    return sys.stdin.buffer
