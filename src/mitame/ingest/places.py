"""What a stored location says: a file, a member of an archive, or a URL; and whether it is gone."""

from __future__ import annotations

import os
from pathlib import Path

from mitame.images.sources import ARCHIVE_SUFFIXES


def archive_of(location: str) -> str | None:
    """Path of the archive that a location is a member of; None for a file or URL.

    A member is ``ARCHIVE!member``, where ARCHIVE is a file, or has an archive's suffix. A folder
    or file with a ``!`` in its name is just that.
    """
    if "!" not in location or "://" in location or os.path.lexists(location):
        return None
    marks = (place for place, character in enumerate(location) if character == "!")
    for archive in (location[:place] for place in marks):
        if archive.lower().endswith(ARCHIVE_SUFFIXES) or _is_file(archive):
            return archive
    return None


def is_gone(path: str) -> bool:
    """True only when the system says that nothing is at a path; not when it won't tell.

    A link that leads nowhere is still there: its disk may just not be mounted.
    """
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def is_gone_file(location: str) -> bool:
    """True when the location is a plain file's and nothing is there."""
    return "://" not in location and is_gone(location) and archive_of(location) is None


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False
