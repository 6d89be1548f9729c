"""A folder of hostile files: the good ones are indexed, the others refused with a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.images.hostile import write_hostile_folder

# The child may use this much more memory than it has right after its start.
ALLOWED_MB = 700
CHILD = """
import json, resource, sys
import mitame
from mitame.images.candidate import Refused
with mitame.open(sys.argv[1]) as shop:
    shop.index(sys.argv[3])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = shop.index(sys.argv[2])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({
        "counts": report.to_json(),
        "refused": [[each.location.encode("utf-8", "surrogateescape").hex(), each.error.code,
                     each.error.message] for each in report.refused],
        "ids": [item.id for item in shop.items()],
        "problems": shop.check(),
        "grown_mb": (after - before) / 1024,
    }))
"""


def test_hostile_folder(tmp_path: Path, catalogue: Path) -> None:
    """Several hundred hostile files: no crash, memory bounded, each refused with its reason."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    good = write_hostile_folder(folder)
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "data"), str(folder), str(catalogue / "mug")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert len(good) >= 300
    assert told["problems"] == []
    assert all(message for _, _, message in told["refused"])
    assert not [message for _, _, message in told["refused"] if "unexpected" in message]
    wanted = {name for name, is_good in good.items() if is_good}
    assert wanted <= set(told["ids"])
    bad = {os.fsencode(folder / name).hex() for name, is_good in good.items() if not is_good}
    indexed = {os.fsencode(folder / each).hex() for each in told["ids"]}
    assert not bad & indexed
    print(
        f"{len(good)} files, {len(wanted)} good, {told['counts']}, {told['grown_mb']:.0f} MB more"
    )
    assert told["grown_mb"] < ALLOWED_MB
