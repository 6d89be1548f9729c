"""One process that answers: uvicorn over a socket that others may listen on, too."""

from __future__ import annotations

import socket

import uvicorn

from mitame.config import ServeConfig
from mitame.serving.app import Application


def run(config: ServeConfig, sockets: list[socket.socket]) -> None:
    """Answer until SIGTERM or SIGINT, then end what is in flight."""
    settings = uvicorn.Config(
        Application(config),
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(config.limits.keep_alive_seconds),
        timeout_graceful_shutdown=int(config.grace_seconds),
    )
    uvicorn.Server(settings).run(sockets=sockets)


def listening(config: ServeConfig) -> socket.socket:
    """A socket at the configured address; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((config.host, config.port))
    made.listen(1024)
    made.set_inheritable(True)
    return made
