"""Small files that would fill the memory: refused, and in little memory."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from mitame.errors import ImageTooLarge
from mitame.images.decode import decode
from tests.images.hostile import encoded, header_bombs, png_chunk, png_with, tiff_bytes

ROOT = Path(__file__).parents[2]
BOMBS = header_bombs()

# measures in a fresh process, after everything is imported, so that nothing else counts
CHILD = """
import resource, sys
from pathlib import Path
from PIL import Image
from mitame.errors import MitameError
from mitame.images.decode import decode
from mitame.images.sources import open_source
from mitame.images.candidate import Candidate

def peak():
    unit = 1 if sys.platform == "linux" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit

decode(Path(sys.argv[1]).read_bytes())
before = peak()
for offer in open_source(sys.argv[2]):
    try:
        if isinstance(offer, Candidate):
            decode(offer.read())
        print("decoded" if isinstance(offer, Candidate) else type(offer.error).__name__)
    except MitameError as error:
        print(type(error).__name__)
print(peak() - before)
"""


def growth(tmp_path: Path, target: Path) -> tuple[list[str], int]:
    """Outcomes of reading everything at `target`, and KiB by which the peak memory grew."""
    small = tmp_path / "small.png"
    small.write_bytes(encoded(Image.new("RGB", (64, 64)), "png"))
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(small), str(target)],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=ROOT / "src",
        check=True,
    )
    *outcomes, grown = result.stdout.split()
    return outcomes, int(grown)


@pytest.mark.parametrize("suffix", sorted(BOMBS))
def test_too_many_pixels_are_refused_by_the_header(suffix: str) -> None:
    """The message says how many there are, whatever the format."""
    with pytest.raises(ImageTooLarge, match="20,000 x 20,000 pixels"):
        decode(BOMBS[suffix])


def test_refusing_bombs_takes_little_memory(tmp_path: Path) -> None:
    """All header bombs, a huge tile and a WebP canvas together: under 40 MiB, not gigabytes."""
    pytest.importorskip("resource", reason="only Unix tells a process's peak memory")
    folder = tmp_path / "bombs"
    folder.mkdir()
    for suffix, data in BOMBS.items():
        (folder / f"bomb{suffix}").write_bytes(data)
    (folder / "tile.tif").write_bytes(_tile_bomb())
    (folder / "strips.tif").write_bytes(_strip_bomb())
    outcomes, grown = growth(tmp_path, folder)
    assert sorted(outcomes) == ["ImageTooLarge"] * 7 + ["UnsupportedImage"]
    assert grown < 40 * 1024


def _tile_bomb() -> bytes:
    """A picture of 16 x 16 pixels in one tile of 60,000 x 60,000."""
    fields = {256: (4, 1, 16), 257: (4, 1, 16), 258: (3, 1, 8), 259: (3, 1, 8), 262: (3, 1, 1)}
    tiles = {322: (4, 1, 60_000), 323: (4, 1, 60_000), 324: (4, 1, 8), 325: (4, 1, 8)}
    return tiff_bytes({**fields, **tiles})


def _strip_bomb() -> bytes:
    """A picture of a million strips of one row."""
    fields = {256: (4, 1, 1), 257: (4, 1, 10**6), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    start = 8 + 2 + 12 * 8 + 4
    strips = {273: (4, 10**6, start), 278: (4, 1, 1), 279: (4, 10**6, start)}
    return tiff_bytes({**fields, **strips}, bytes(4 * 10**6))


def test_text_that_grows_is_never_unpacked(tmp_path: Path) -> None:
    """Compressed text and profiles of 400 MB in a good picture cost nothing."""
    pytest.importorskip("resource", reason="only Unix tells a process's peak memory")
    huge = zlib.compress(bytes(400_000_000), 9)
    chunks = png_chunk(b"zTXt", b"a\0\0" + huge) + png_chunk(b"iCCP", b"a\0\0" + huge)
    (tmp_path / "text.png").write_bytes(png_with(chunks, Image.new("RGB", (64, 64))))
    outcomes, grown = growth(tmp_path, tmp_path / "text.png")
    assert outcomes == ["decoded"]
    assert grown < 40 * 1024
