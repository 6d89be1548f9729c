"""What a file is, told by its first bytes alone; its name decides nothing."""

from __future__ import annotations

from mitame.errors import EmptyImage, ImageError, NotAnImage, UnsupportedImage

READ = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")

_READ_BY_START = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)
_OTHER_PICTURES = (
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"II+\x00", "a BigTIFF picture"),
    (b"MM\x00+", "a BigTIFF picture"),
    (b"II\xbc", "a JPEG XR picture"),
    (b"II*\x00\x10\x00\x00\x00CR", "a camera's raw picture"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"\x00\x00\x02\x00", "a cursor file"),
    (b"icns", "an icon file"),
    (b"qoif", "a QOI picture"),
    (b"gimp xcf", "a GIMP document"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"DDS ", "a DirectDraw surface"),
    (b"AT&TFORM", "a DjVu document"),
    (b"\x8aMNG", "a MNG animation"),
    (b"FLIF", "a FLIF picture"),
    (b"BPG\xfb", "a BPG picture"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
)
_OTHER_THINGS = (
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"OggS", "sound or video"),
    (b"ID3", "sound"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"SQLite format 3", "a database"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)


def sniff(data: bytes) -> str:
    """Name of the format that the bytes are in, one of `READ`.

    Raises:
        EmptyImage: no bytes.
        UnsupportedImage: a picture or document in a known format that is not read here.
        NotAnImage: anything else; the message says what it looks like.
    """
    if not data:
        raise EmptyImage("the file is empty")
    # longer signatures of other formats come first: a Canon raw file starts like a TIFF
    if other := _first(data, _OTHER_PICTURES):
        raise UnsupportedImage(f"it is {other}")
    if known := _first(data, _READ_BY_START):
        return known
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    raise _refusal(data)


def _first(data: bytes, table: tuple[tuple[bytes, str], ...]) -> str | None:
    return next((name for start, name in table if data.startswith(start)), None)


def _iso_media(data: bytes) -> str:
    """Tell AVIF from HEIC by the major brand, then by the compatible ones (ISO 14496-12, 4.3)."""
    end = min(int.from_bytes(data[:4], "big"), 256, len(data))
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4))]
    if brands[0] == b"crx ":
        raise UnsupportedImage("it is a camera's raw picture")
    if _AVIF_BRANDS.intersection(brands):
        return "AVIF"
    if _HEIC_BRANDS.intersection(brands):
        return "HEIC"
    raise NotAnImage("it is a video")


def _refusal(data: bytes) -> ImageError:
    if other := _first(data, _OTHER_THINGS):
        return NotAnImage(f"it is {other}")
    if data[:4] == b"RIFF":
        return NotAnImage("it is sound or video")
    return _text_refusal(data[:4096]) or NotAnImage("its content is in no picture format")


def _text_refusal(head: bytes) -> ImageError | None:
    text = head.lstrip(b"\xef\xbb\xbf\t\r\n ").lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return UnsupportedImage("it is an SVG drawing")
    if text.startswith((b"<!doctype html", b"<html")) or b"<html" in text:
        return NotAnImage("it is a web page, perhaps an error page saved under a picture's name")
    if text[:1] == b"p" and text[1:2] in b"1234567" and text[2:3] in b"\n\r\t #":
        return UnsupportedImage("it is a Netpbm picture")
    if not head.strip(b"\x00"):
        return NotAnImage("it starts with nothing but zero bytes")
    if not any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head):
        return NotAnImage("it is text")
    return None
