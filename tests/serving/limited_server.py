"""A server process with limits of its own, one worker, for tests: ``python -m`` runs this file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mitame.config import LimitsConfig, ServeConfig
from mitame.serving.processes.sockets import listening
from mitame.serving.processes.worker import run
from tests.serving.running_server import Server


def limited_server(
    data: Path, *, env: Mapping[str, str] | None = None, limits: Mapping[str, Any], **fields: Any
) -> Server:
    """A server with some limits, and fields of its configuration, other than the usual ones."""
    told = json.dumps({"data": str(data), "fields": fields, "limits": dict(limits)})
    command = [sys.executable, "-m", "tests.serving.limited_server", told]
    return Server(data, command=command, env=env)


def _config(told: Mapping[str, Any]) -> ServeConfig:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in told["fields"].items()
    }
    limits = LimitsConfig(**told["limits"])
    return ServeConfig(Path(told["data"]), port=0, limits=limits, **fields)


def serve(told: str) -> None:
    """Answer until the end; `told` is what `limited_server` says."""
    config = _config(json.loads(told))
    socket = listening(config)
    print(f"listening on http://{config.host}:{socket.getsockname()[1]}", flush=True)
    run(config, [socket])


if __name__ == "__main__":
    serve(sys.argv[1])
