"""``mitame serve``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import default_data, json_option, print_json
from mitame.cli.telling import json_line, say, tell

if TYPE_CHECKING:
    from mitame.config import ServeConfig
    from mitame.configuring import Configured


def _text(flag: str, metavar: str, help_text: str, **more: Any) -> Callable[[Any], Any]:
    """An option whose text is read, with that of the environment, by `mitame.configuring`."""
    return click.option(flag, metavar=metavar, help=help_text, **more)


@click.command("serve")
@click.argument("folders", nargs=-1)
@_text("--host", "ADDRESS", "Address to listen on.  [default: 127.0.0.1]")
@_text("--port", "N", "Port to listen on; 0 for a free one.  [default: 8000; with --gannoy 1323]")
@_text("--workers", "N", "Processes that answer.  [default: 1]")
@_text("--threads", "N", "Threads of each, for what takes longer.  [default: 4]")
@_text("--collection", "NAME", "Into which folders are indexed.  [default: default]")
@_text("--follow-seconds", "SECONDS", "Between two looks at a folder.  [default: 30]")
@click.option("--merge/--no-merge", default=None, help="Merge by itself when it is worth it.")
@click.option("--page/--no-page", default=None, help="Serve the page, for browsers.")
@click.option("--gannoy/--no-gannoy", default=None, help="Serve gannoy's routes, too.")
@_text("--cors", "ORIGIN", "Origin whose pages may ask; '*' for all. Repeatable.", multiple=True)
@_text("--access-log", "FILE", "Where requests are logged; - for standard output, '' for nowhere.")
@click.option(
    "--allow-private/--no-allow-private",
    default=None,
    help="Fetch pictures from private network addresses, too.",
)
@click.option("--allow-open/--no-allow-open", default=None, help="Let everybody in who reaches it.")
@_text("--grace-seconds", "SECONDS", "For requests in flight when it is stopped.  [default: 30]")
@_text("--proxy", "ADDRESS", "Whose X-Forwarded-For is believed. Repeatable.", multiple=True)
@_text("--set", "NAME=VALUE", "Any setting, like limits.body_mb=50. Repeatable.", multiple=True)
@_text("--pid-file", "FILE", "Gets the number of the process.")
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML with settings. Those of the environment count more, and flags most.",
)
@click.option(
    "--data", metavar="DIR", help="Directory that holds the collections.  [env: MITAME_DATA]"
)
@click.option("--check", is_flag=True, help="Only print all settings and where they come from.")
@json_option
def serve_command(
    folders: tuple[str, ...], file: Path | None, check: bool, as_json: bool, **given: Any
) -> int:
    """Answer over HTTP.

    FOLDERS are indexed and followed while it answers. SIGHUP has it read its settings again and
    change its processes one by one; SIGUSR1 opens the log anew.
    """
    flags = _flags(given, folders)
    configured = _configured(flags, file)
    if check:
        _show(configured, as_json=as_json)
        return 0
    from mitame.serving.processes.serve import serve

    first = [configured.config]

    def read() -> ServeConfig:
        return first.pop() if first else _configured(flags, file).config

    return serve(read, tell, lambda text: say(f"mitame: {text}"))


def _configured(flags: dict[str, tuple[str, object]], file: Path | None) -> Configured:
    from mitame.configuring import read_configuration
    from mitame.serving.gannoy.settings import gannoy_settings

    return read_configuration(
        flags,
        os.environ,
        file=file,
        default_data=lambda: Path(default_data()),
        gannoy=gannoy_settings,
    )


def _flags(given: dict[str, Any], folders: tuple[str, ...]) -> dict[str, tuple[str, object]]:
    """What was given, by the flag as it is written: a setting's name and its value."""
    flags: dict[str, tuple[str, object]] = {}
    for text in given.pop("set"):
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--set {text!r}: write NAME=VALUE")
        flags[f"--set {name}"] = (name, value)
    flags |= {"--proxy": ("proxies", given.pop("proxy")), "FOLDERS": ("folders", folders)}
    for name, value in given.items():
        flags[f"--{name.replace('_', '-')}"] = (name, value)
    return {flag: named for flag, named in flags.items() if named[1] not in (None, ())}


def _show(configured: Configured, *, as_json: bool) -> None:
    values = _values(configured.config)
    if as_json:
        origins = configured.origins
        print_json({name: {"value": v, "from": origins[name]} for name, v in values.items()})
        return
    in_table = False
    for name, value in values.items():
        if name.startswith("limits.") and not in_table:
            in_table = True
            tell()
            tell("[limits]")
        key = name.removeprefix("limits.")
        # As a file that can be given back; what is not set stays a comment.
        line = f"# {key} is not set" if value is None else f"{key} = {json_line(value)}"
        tell(f"{line:<40} # {configured.origins[name]}" if value is not None else line)


def _values(config: ServeConfig) -> dict[str, Any]:
    from mitame.configuring import SETTINGS

    found: dict[str, Any] = {}
    for name in SETTINGS:
        owner = config.limits if name.startswith("limits.") else config
        value = getattr(owner, name.removeprefix("limits."))
        found[name] = str(value) if isinstance(value, Path) else value
    return found
