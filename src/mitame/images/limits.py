"""How much of what comes from outside is taken before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from mitame.errors import DamagedImage, ImageTooLarge

MIB = 1024 * 1024


@dataclass(frozen=True)
class ImageLimits:
    """Bounds on pictures and on the places that they come from.

    Decoding needs about ten bytes of memory per pixel for a moment, and up to 26 for a WebP with
    transparency (measured at 88 million pixels): `max_pixels` times the number of decoding
    threads says how much memory the worst case takes. A JPEG that is reduced needs next to none.

    Attributes:
        max_bytes: size of one picture's file.
        max_pixels: width times height, by what the file's header says.
        max_scans: passes over a progressive JPEG; ordinary files have about ten.
        max_members: entries of one archive.
        max_archive_bytes: sum of what the members of one archive unpack to.
        max_ratio: how many times its own size an archive may unpack to, beyond 1 GiB.
        max_line: bytes of one line of a manifest or of a list of URLs.
        max_redirects: hops of one fetch.
        fetch_seconds: total time of one fetch, from resolving the name to the last byte.
    """

    max_bytes: int = 64 * MIB
    max_pixels: int = 100_000_000
    max_scans: int = 100
    max_members: int = 1_000_000
    max_archive_bytes: int = 1024 * 1024 * MIB
    max_ratio: int = 200
    max_line: int = MIB
    max_redirects: int = 5
    fetch_seconds: float = 30.0

    def check_bytes(self, size: int) -> None:
        """Refuse a picture's file of so many bytes.

        Raises:
            ImageTooLarge: more than `max_bytes`.
        """
        if size > self.max_bytes:
            raise ImageTooLarge(f"it has {size:,} bytes, more than {self.max_bytes:,}")

    def unpacked(self, archive_size: int) -> int:
        """How many bytes an archive file of `archive_size` bytes may unpack to."""
        return min(self.max_archive_bytes, max(1024 * MIB, self.max_ratio * archive_size))

    def check_pixels(self, width: int, height: int) -> None:
        """Refuse a picture of this size, before it is decoded.

        Raises:
            DamagedImage: no pixels at all.
            ImageTooLarge: more than `max_pixels`.
        """
        if width < 1 or height < 1:
            raise DamagedImage(f"its header says {width} x {height} pixels")
        if width * height > self.max_pixels:
            raise ImageTooLarge(
                f"it has {width:,} x {height:,} pixels, more than {self.max_pixels:,} in all"
            )


DEFAULT_LIMITS = ImageLimits()
