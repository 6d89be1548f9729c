"""Entry point: finds the command, turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

import click

from mitame import __version__
from mitame.errors import MitameError, UsageError

OK, ERROR, USAGE, INTERRUPTED = 0, 1, 2, 130

# The summaries stand here so that `mitame --help` imports none of the commands.
COMMANDS = {
    "index": ("index", "Index pictures: folders, archives, manifests, lists of URLs."),
    "search": ("search", "Find what looks like a picture or an item."),
    "add": ("items", "Add or replace one item."),
    "remove": ("items", "Remove items by id."),
    "show": ("items", "Show an item."),
    "status": ("status", "Show what is in a collection, and whether it is whole."),
    "evaluate": ("evaluate", "Measure how often neighbours share a category."),
    "embed": ("embed", "Turn pictures into vectors (.npy or JSON lines)."),
    "models": ("models", "List embedders; bring their weights."),
    "doctor": ("doctor", "Check the installation and the collections."),
    "demo": ("demo", "Index sample pictures and draw a contact sheet."),
    "merge": ("generations", "Apply what has changed: make a new snapshot and switch to it."),
    "generations": ("generations", "List the snapshots that can be served."),
    "rollback": ("generations", "Serve an older snapshot again."),
    "lens": ("lens", "List, add, switch and drop lenses; change the embedder."),
    "verify": ("backup", "Compare every byte with its checksum."),
    "backup": ("backup", "Copy a collection as it is at one moment."),
    "restore": ("backup", "Make a collection from a backup."),
    "export": ("exchange", "Write items and their vectors to a file."),
    "import": ("exchange", "Read vectors from a file of another program."),
}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"mitame.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: mitame index FOLDER, then: mitame search PICTURE",
)
@click.version_option(__version__, prog_name="mitame", message="%(prog)s %(version)s")
def app() -> None:
    """What looks like this? Image similarity search that you run yourself."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 error, 2 wrong usage, 130 stopped by Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    try:
        status = app.main(words, prog_name="mitame", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except BrokenPipeError:
        # The reader (head, less) has gone; what is still buffered must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        if "--debug" in words:
            raise
        return _failed(error, as_json="--json" in words)
    return status if isinstance(status, int) else OK


def _failed(error: Exception, *, as_json: bool) -> int:
    if isinstance(error, MitameError):
        _say(error, as_json=as_json)
        return USAGE if isinstance(error, UsageError) else ERROR
    detail = " ".join(f"{type(error).__name__}: {error}".split())
    remedy = "run it again with --debug and report what it prints"
    print(f"mitame: unexpected {detail}: {remedy}", file=sys.stderr)
    return ERROR


def _say(error: MitameError, *, as_json: bool) -> None:
    if as_json:
        body = {"code": error.code, "detail": error.message, "remedy": error.remedy}
        print(json.dumps({"error": body}, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"mitame: {error.line()}", file=sys.stderr)
