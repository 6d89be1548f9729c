"""Names of collections and of their files, and where they lie in a data directory."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from mitame.errors import StorageError, UsageError

DATABASE = "collection.sqlite3"
ROOT = "manifest.json"
"""Says which generation is served; the one file that is replaced."""
LOG = "log"
SNAPSHOTS = "snapshots"
MERGE_LOCK = "merge.lock"
FEEDBACK = "feedback.sqlite3"
"""What users did with answers (`mitame.feedback`); missing where nobody has told."""
DECISIONS = "decisions.sqlite3"
"""What was decided about near-copies (`mitame.feedback`); missing where nobody has."""
COMPARISONS = "comparisons.sqlite3"
"""Votes on two answers (`mitame.feedback`); missing where nobody has voted."""
EVALUATIONS = "evaluations.sqlite3"
"""What was measured of the answers, over time; missing where nothing was."""
BAD_FILES = "bad-files.sqlite3"
"""Files that could not be indexed (`mitame.ingest.bad_files`); not part of a backup."""
THUMBNAILS = "thumbnails.sqlite3"
"""Small pictures of items that were asked for; not part of a backup."""
COPIES = "copies.sqlite3"
"""Small copies of pictures that were uploaded or lie elsewhere; missing where there are none."""
QUERIES = "queries.sqlite3"
"""Questions of the last time, which feedback may be about; not part of a backup."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """The name itself.

    Raises:
        UsageError: not 1 to 100 of ``A-Z a-z 0-9 . _ -`` with a letter or digit first.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of a collection",
            remedy="use 1 to 100 letters, digits, '.', '_' or '-', a letter or digit first",
        )
    return name


def collection_path(data: Path, name: str) -> Path:
    """The directory of a collection, whether it exists or not.

    Raises:
        UsageError: as `check_name`; no name leads out of the data directory.
    """
    return data / check_name(name)


def list_collections(data: Path) -> list[str]:
    """Names of the collections in a data directory, sorted; none where it does not exist.

    Raises:
        StorageError: it can't be listed.
    """
    try:
        entries = [entry.name for entry in data.iterdir()]
        return sorted(n for n in entries if _NAME.fullmatch(n) and (data / n / DATABASE).is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"can't list {data}: {error.strerror}") from error


def bytes_within(folder: Path) -> int:
    """What its files take, in bytes; what another process removes meanwhile counts as gone."""
    total = 0
    for place, _, names in os.walk(folder):  # pathlib's own walk fails where a folder is removed
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).stat().st_size
    return total
