"""The examples of docs/client.md run as they stand against a server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.serving.item_server import picture
from tests.serving.running_server import Server

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
KEY = "a-key-of-the-tests-0123456789"


def test_examples_run(tmp_path: Path) -> None:
    """But for the address and the key."""
    for name in ("mug", "hat", "photo"):
        (tmp_path / f"{name}.jpg").write_bytes(picture(len(name), "JPEG"))
    examples = re.findall(r"```py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    with Server(tmp_path / "data", env={"MITAME_KEY": KEY}) as server:
        for number, example in enumerate(examples):
            text = example.replace("http://127.0.0.1:8000", server.url).replace('"KEY"', f'"{KEY}"')
            script = tmp_path / f"example{number}.py"
            script.write_text(text)
            ran = subprocess.run(
                [sys.executable, script.name],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.returncode == 0, ran.stderr
            assert ran.stdout.strip()
