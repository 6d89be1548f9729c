"""Write docs/commands.md: the help of every command, as the command prints it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mitame.cli.app import COMMANDS, app

TARGET = Path(__file__).parent.parent / "docs" / "commands.md"
HEAD = """# Commands

Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped by Ctrl-C. An error is one line on standard
error, with what to do about it; with `--json` it is a JSON object there; `--debug` shows the
traceback.

This page is written by `python scripts/write_commands.py` from the commands' own help.
"""


def text() -> str:
    """The whole page."""
    root = click.Context(app, info_name="mitame", max_content_width=100, terminal_width=100)
    parts = [HEAD]
    for name in COMMANDS:
        command = app.get_command(root, name)
        assert command is not None
        parts.append(section(f"mitame {name}", command, root))
        if isinstance(command, click.Group):
            inner = {each: command.commands[each] for each in sorted(command.commands)}
            parts += [section(f"mitame {name} {each}", sub, root) for each, sub in inner.items()]
    return "\n".join(parts)


def section(title: str, command: click.Command, root: click.Context) -> str:
    """One command's heading and help."""
    context = click.Context(command, info_name=title, max_content_width=100, terminal_width=100)
    context.help_option_names = root.help_option_names
    return f"## {title}\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(
        f"wrote {TARGET.relative_to(Path.cwd())}" if TARGET.is_relative_to(Path.cwd()) else "",
        file=sys.stderr,
    )
