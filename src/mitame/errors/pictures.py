"""Pictures, where they come from, and what embeds them."""

from __future__ import annotations

from mitame.errors.base import MitameError


class ImageError(MitameError):
    """The bytes are not a picture that can be used."""

    code = "image"
    status = 422


class EmptyImage(ImageError):
    """No bytes at all."""

    code = "empty_image"
    default_remedy = "copy the file again from where it came"


class NotAnImage(ImageError):
    """The content is something else, whatever the name says."""

    code = "not_an_image"
    default_remedy = "give a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC picture"


class UnsupportedImage(ImageError):
    """A known picture format that is not read here."""

    code = "unsupported_image"
    status = 415
    default_remedy = "convert it to JPEG, PNG or WebP"


class DamagedImage(ImageError):
    """A picture that is cut off or corrupt."""

    code = "damaged_image"
    default_remedy = "copy the file again from where it came"


class ImageTooLarge(ImageError):
    """More bytes or pixels than the limits allow; refused before decoding."""

    code = "image_too_large"
    status = 413
    default_remedy = "make it smaller, or raise the limit: mitame index --max-mb, --max-pixels"


class SourceError(MitameError):
    """Something is wrong where the pictures come from."""

    code = "source"
    status = 422


class UnreadableFile(SourceError):
    """A file that the system won't let us read."""

    code = "unreadable_file"
    default_remedy = "check that it exists and that its permissions allow reading"


class DamagedArchive(SourceError):
    """A zip or tar that can't be read to its end."""

    code = "damaged_archive"
    default_remedy = "copy the archive again from where it came"


class InvalidManifest(SourceError):
    """A CSV, JSON lines or Parquet manifest that does not have the right columns or rows."""

    code = "invalid_manifest"
    default_remedy = "it needs a column 'image'; 'id' and 'category' are optional"


class InvalidFile(SourceError):
    """A file of vectors that is damaged, or not of a kind that is read."""

    code = "invalid_file"
    default_remedy = "copy the file again from where it came, or name its --format"


class FetchRefused(SourceError):
    """An address that must not be asked: private range, other scheme, too many redirects."""

    code = "fetch_refused"
    default_remedy = "use a public http(s) address, or allow private ones with --allow-private"


class FetchFailed(SourceError):
    """The other side did not give the picture."""

    code = "fetch_failed"
    default_remedy = "check the address in a browser, then try again"


class EmbedderError(MitameError):
    """An embedder can't be used."""

    code = "embedder"
    status = 422


class UnknownEmbedder(EmbedderError):
    """No embedder has this name."""

    code = "unknown_embedder"
    status = 404
    default_remedy = "list the known ones with: mitame models"


class WeightsNotFound(EmbedderError):
    """The weights are not on this machine."""

    code = "weights_not_found"
    status = 404


class NoTextSide(EmbedderError):
    """A question by text to a lens whose embedder sees pictures only."""

    code = "no_text_side"
    default_remedy = "ask by picture, or use a lens with two towers: mitame lens add"


class InvalidModel(EmbedderError):
    """A model file, its weights or its sidecar can't be used."""

    code = "invalid_model"
