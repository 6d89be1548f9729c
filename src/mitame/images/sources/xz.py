"""An xz stream as bytes, with a bound on the memory that its decoder may claim."""

from __future__ import annotations

import lzma
from typing import BinaryIO

from mitame.images.limits import MIB

_MOST_MEMORY = 256 * MIB  # the strongest preset needs 65 MiB
_PIECE = 64 * 1024


class XzReader:
    """Bytes of an xz file, streams one after the other.

    The standard library's own file object sets no bound, and a header may ask for 4 GiB.

    Args:
        file: the compressed bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = _decoder()

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            lzma.LZMAError: damaged, or over the bound on memory.
            EOFError: cut off.
        """
        while True:
            rest = self._decoder.unused_data if self._decoder.eof else b""
            if self._decoder.eof:
                rest = rest.lstrip(b"\x00") or self._file.read(_PIECE).lstrip(b"\x00")
                if not rest:
                    return b""
                self._decoder = _decoder()
            elif self._decoder.needs_input and not (rest := self._file.read(_PIECE)):
                raise EOFError("the xz stream is cut off")
            if part := self._decoder.decompress(rest, size):
                return part


def _decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
