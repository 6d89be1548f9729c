"""What tests of items over HTTP share: a server with two collections, and pictures."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.serving.running_server import Answered, Server

PICTURES = "/v1/collections/pictures"
"""A collection whose one lens looks at colours."""
OWN = "/v1/collections/own"
"""A collection of vectors with four floats."""


@contextmanager
def item_server(data: Path, server: Server | None = None) -> Iterator[Server]:
    """A server with the two collections: this one, or one of its own."""
    with server or Server(data) as running:
        made = running.ask("PUT", PICTURES, {"lenses": {"color": "color"}})
        assert made.status == 201, made.body
        assert running.ask("PUT", OWN, {"dim": 4}).status == 201
        yield running


def picture(seed: int, kind: str = "PNG", size: tuple[int, int] = (24, 16)) -> bytes:
    """A file with noise that follows from the seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def text(data: bytes) -> str:
    """Its base64."""
    return base64.b64encode(data).decode()


def floats(*numbers: float) -> str:
    """Base64 of little-endian float32."""
    return text(np.array(numbers, "<f4").tobytes())


def form(*parts: tuple[str, str, bytes], boundary: str = "xYzZY") -> tuple[bytes, dict[str, str]]:
    """A form's body and headers, of names, content types and data."""
    lines = b""
    for name, media, data in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n'
        lines += head.encode() + f"Content-Type: {media}\r\n\r\n".encode() + data + b"\r\n"
    lines += f"--{boundary}--\r\n".encode()
    return lines, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says that it has so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def state(server: Server) -> Any:
    """Positions of both collections, and how many items: what a bad request must not change."""
    return [
        [server.ask("GET", each).json()[name] for name in ("position", "items")]
        for each in (PICTURES, OWN)
    ]


def listed(server: Server, collection: str, **options: Any) -> Any:
    """All items of a collection."""
    answer = server.ask("POST", f"{collection}/items:scroll", {"limit": 1_000, **options})
    assert answer.status == 200, answer.body
    assert answer.json()["cursor"] is None
    return answer.json()["items"]


def problem(answer: Answered) -> tuple[int, str]:
    """Status and code of a problem; fails where the answer is none."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    found = answer.json()
    assert found["status"] == answer.status
    assert found["detail"]
    return answer.status, found["code"]


def lines(*rows: Any) -> bytes:
    """JSON lines."""
    return b"\n".join(json.dumps(row).encode() for row in rows) + b"\n"
