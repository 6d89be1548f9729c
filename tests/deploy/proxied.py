"""An nginx before two servers."""

from __future__ import annotations

from pathlib import Path

from tests.deploy.running_nginx import Nginx, configured


def proxied(folder: Path, port: int, *servers: int) -> Nginx:
    """An nginx with ``proxy.conf`` before servers at two ports."""
    first, second = servers
    changes = {
        "/var/cache/nginx/mitame": f"{folder}/cache",
        "/var/log/nginx/access.log": f"{folder}/mitame.log",
        "listen 8080": f"listen 127.0.0.1:{port}",
    }
    addresses = {
        "127.0.0.1:8000": f"127.0.0.1:{first}",
        "127.0.0.1:8001": f"127.0.0.1:{second}",
    }
    folder.mkdir(exist_ok=True)
    http = configured("servers.conf", addresses) + configured("proxy.conf", changes)
    return Nginx(folder, http, port)
