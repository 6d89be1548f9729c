"""A server process that says on its output which questions by vector the event loop answered.

``python -m`` runs this file. Searches count as short however slow the machine is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mitame.serving.product import gathering, pace
from mitame.serving.product.searched import NearVector, near_vectors
from tests.serving.limited_server import serve
from tests.serving.running_server import Server

QUICK = "answered on the event loop"


def quick_server(data: Path) -> Server:
    """The server, one worker; see `quick_answers`."""
    told = json.dumps({"data": str(data), "fields": {}, "limits": {}})
    return Server(data, command=[sys.executable, "-m", "tests.serving.quick_server", told])


def quick_answers(server: Server) -> int:
    """Questions by vector that were answered on the event loop so far."""
    return sum(QUICK in line for line in server.lines)


def _noted(*arguments: Any) -> Sequence[NearVector | None]:
    found = near_vectors(*arguments)
    for near in found:
        if near is not None:
            print(QUICK, flush=True)
    return found


if __name__ == "__main__":
    with patch.object(gathering, "near_vectors", _noted), patch.object(pace, "AT_ONCE", 1e9):
        serve(sys.argv[1])
