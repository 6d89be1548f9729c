"""``mitame serve``."""

from __future__ import annotations

from pathlib import Path

import click

from mitame.cli.options import data_option, debug_option
from mitame.cli.telling import tell


@click.command("serve")
@click.argument("folders", nargs=-1)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Port to listen on; 0 for a free one.",
)
@data_option
@debug_option
def serve_command(folders: tuple[str, ...], host: str, port: int, data: Path) -> int:
    """Answer over HTTP."""
    from mitame.config import ServeConfig
    from mitame.serving.worker import listening, run

    config = ServeConfig(data, host, port, folders=folders)
    socket = listening(config)
    tell(f"listening on http://{host}:{socket.getsockname()[1]}")
    run(config, [socket])
    return 0
