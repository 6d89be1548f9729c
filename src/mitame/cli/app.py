"""The command ``mitame``: finds the subcommand and imports no other."""

from __future__ import annotations

import importlib

import click

from mitame import __version__

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
    "engines": ("engines", "List engines: how the nearest are found, and what to install."),
    "doctor": ("doctor", "Check the installation and the collections."),
    "demo": ("demo", "Index sample pictures and draw a contact sheet."),
    "merge": ("generations", "Apply what has changed: make a new snapshot and switch to it."),
    "tune": ("tune", "Choose the engine by measuring on your own vectors."),
    "generations": ("generations", "List the snapshots that can be served."),
    "rollback": ("generations", "Serve an older snapshot again."),
    "lens": ("lens", "List, add, switch and drop lenses; change the embedder."),
    "verify": ("backup", "Compare every byte with its checksum."),
    "backup": ("backup", "Copy a collection as it is at one moment."),
    "restore": ("backup", "Make a collection from a backup."),
    "export": ("exchange", "Write items and their vectors to a file."),
    "import": ("exchange", "Read vectors from a file of another program."),
    "neighbors": ("neighbors", "Write every item's nearest items to a file or database."),
    "feedback": ("feedback", "Export what users did with answers."),
    "drop": ("drop", "Remove a collection with all its items."),
    "serve": ("serve", "Answer over HTTP."),
    "top": ("top", "Watch a running server: requests, times, queues, long work."),
    "gannoy": ("gannoy", "Make, fill, apply and drop databases as gannoy's commands did."),
    "keys": ("keys", "Make, list, rotate and remove the keys of the HTTP service."),
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
