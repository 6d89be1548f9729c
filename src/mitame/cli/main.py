"""Entry point: runs the command, turns errors into one line and an exit code.

What takes time to import is imported only once Ctrl-C is answered.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mitame.cli.interrupts import INTERRUPTED, Interrupts

if TYPE_CHECKING:
    import click

OK, ERROR, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 error, 2 wrong usage, 130 stopped by Ctrl-C."""
    interrupts = Interrupts()
    try:
        interrupts.install()
        words = list(sys.argv[1:] if arguments is None else arguments)
        status = _run(words, interrupts)
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _run(words: list[str], interrupts: Interrupts) -> int:
    try:
        return _call(words)
    except BrokenPipeError:
        # The reader (head, less) has gone; what is still buffered must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        if "--debug" in words:
            raise
        status = _failed(error, as_json="--json" in words, quiet=interrupts.count > 0)
    return INTERRUPTED if interrupts.count else status


def _call(words: list[str]) -> int:
    import click

    from mitame.cli.app import app

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = app.main(words, prog_name="mitame", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        _say("usage", error.format_message(), _help(error), as_json="--json" in words)
        return USAGE
    return status if isinstance(status, int) else OK


def _help(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"see {context.command_path if context else 'mitame'} --help"


def _failed(error: Exception, *, as_json: bool, quiet: bool) -> int:
    from mitame.errors import MitameError, UsageError

    if isinstance(error, MitameError):
        _say(error.code, error.message, error.remedy, as_json=as_json)
        return USAGE if isinstance(error, UsageError) else ERROR
    # Modules that are half imported and the like: they follow from the interrupt.
    if not quiet:
        detail = f"unexpected {type(error).__name__}: {error}"
        remedy = "run it again with --debug and report what it prints"
        _say("unexpected", detail, remedy, as_json=as_json)
    return ERROR


def _say(code: str, detail: str, remedy: str, *, as_json: bool) -> None:
    from mitame.cli.telling import json_line, say

    if as_json:
        body = {"code": code, "detail": detail, "remedy": remedy}
        print(json_line({"error": body}), file=sys.stderr)
    else:
        say(" ".join(f"mitame: {detail}{': ' if remedy else ''}{remedy}".split()))
