"""Every error that mitame raises on purpose: one tree, no third party's exception leaks.

    MitameError
    ├── UsageError               the call itself is wrong
    │   ├── InvalidId
    │   ├── InvalidFilter
    │   ├── InvalidVector        NaN, infinity, wrong shape or dimension
    │   └── CannotListen         the address is in use or not allowed
    ├── ImageError               the bytes are not a picture that can be used
    │   ├── EmptyImage
    │   ├── NotAnImage
    │   ├── UnsupportedImage     a known format that is not read
    │   ├── DamagedImage         truncated or corrupt
    │   └── ImageTooLarge        over the limit on bytes or pixels
    ├── SourceError              where pictures come from
    │   ├── UnreadableFile
    │   ├── DamagedArchive
    │   ├── InvalidManifest
    │   ├── InvalidFile          vectors of another program, damaged or unknown
    │   ├── FetchRefused         an address that must not be asked
    │   └── FetchFailed
    ├── EmbedderError
    │   ├── UnknownEmbedder
    │   ├── WeightsNotFound
    │   ├── NoTextSide           asked by text, and the embedder sees pictures only
    │   └── InvalidModel         a model file or sidecar that can't be used
    ├── CollectionError
    │   ├── CollectionNotFound
    │   ├── CollectionExists
    │   ├── ItemNotFound
    │   ├── ItemExists
    │   ├── GenerationNotFound
    │   ├── PictureNotKept       only its vectors were stored, or its file has gone
    │   ├── UnknownLens
    │   ├── SpecMismatch         vectors of another embedder's spec
    │   ├── CorruptCollection
    │   ├── NewerFormat          written by a later mitame
    │   ├── CollectionBusy       another process holds the lock
    │   ├── NotMerged            too much is not in the neighbour table yet
    │   └── StorageError         disk full, read-only, gone
    ├── TargetError              a server that results are written to
    ├── ServiceError             a mitame service that a client can't talk to
    ├── RequestError             an HTTP request that can't be answered as it is
    │   ├── MalformedRequest     no HTTP that is read here
    │   ├── HeadersTooLarge      headers beyond the limits, in bytes or in number
    │   ├── PathTooLong
    │   ├── MalformedBody        not JSON, not multipart
    │   ├── InvalidBody          well-formed, with fields that are wrong
    │   ├── UnsupportedMedia     a content type that is not read here
    │   ├── BodyTooLarge         more bytes or rows than the limits allow
    │   ├── SlowRequest          the body did not come in time
    │   ├── NotAuthenticated     no key, or a wrong one
    │   ├── NotAllowed           a key whose role does not reach
    │   ├── PreconditionFailed   somebody else has changed it meanwhile
    │   ├── KeyReused            an Idempotency-Key with another request
    │   ├── RequestInFlight      the first with this Idempotency-Key is worked on
    │   ├── RouteNotFound
    │   ├── JobNotFound
    │   ├── MethodNotAllowed
    │   ├── TooManyRequests      one caller asks too much
    │   └── Overloaded           all callers together do
    └── MissingExtra             an optional dependency is not installed

Each class has a stable ``code`` (for scripts and HTTP bodies), an HTTP ``status`` and a ``remedy``:
the next thing to do. What a caller can cause, a caller can mend, so no status is 5xx but that of
`Overloaded`, which asks for a later try.
"""

from __future__ import annotations

from typing import ClassVar


class MitameError(Exception):
    """Base of all errors here.

    Args:
        message: what is wrong, naming the thing; one line, no trailing full stop.
        remedy: what to do about it; the class's own remedy when left out.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = self.default_remedy if remedy is None else remedy

    def line(self) -> str:
        """Message and remedy in one line, as the command line prints them."""
        text = f"{self.message}: {self.remedy}" if self.remedy else self.message
        return " ".join(text.split())


class UsageError(MitameError):
    """The call itself is wrong."""

    code = "usage"


class InvalidId(UsageError):
    """An item's id that can't be one."""

    code = "invalid_id"
    status = 422
    default_remedy = "use 1 to 1,000 characters without control characters"


class InvalidFilter(UsageError):
    """A filter that can't be read."""

    code = "invalid_filter"
    status = 422
    default_remedy = "write it like 'category=mug,price<5000,sold_out!=true'"


class InvalidVector(UsageError):
    """A vector with the wrong shape, NaN or infinity."""

    code = "invalid_vector"
    status = 422


class CannotListen(UsageError):
    """The service can't listen where it was told to."""

    code = "cannot_listen"
    default_remedy = "give another --host or --port"


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


class CollectionError(MitameError):
    """Something is wrong with a collection or what is asked of it."""

    code = "collection"
    status = 409


class CollectionNotFound(CollectionError):
    """No collection of this name in the data directory."""

    code = "collection_not_found"
    status = 404
    default_remedy = "make it with: mitame index FOLDER"


class CollectionExists(CollectionError):
    """A collection of this name is there already."""

    code = "collection_exists"
    default_remedy = "open it, or choose another name"


class ItemNotFound(CollectionError):
    """No item has this id."""

    code = "item_not_found"
    status = 404
    default_remedy = "check the id; ids are compared letter by letter"


class ItemExists(CollectionError):
    """An item with this id is there already and must not be replaced."""

    code = "item_exists"
    default_remedy = "choose another id"


class GenerationNotFound(CollectionError):
    """No snapshot has this number."""

    code = "generation_not_found"
    status = 404
    default_remedy = "list them: GET /v1/collections/{collection}/generations"


class PictureNotKept(CollectionError):
    """An item's picture can't be shown: only its vectors were stored, or its file has gone."""

    code = "picture_not_kept"
    status = 404
    default_remedy = "show the picture from where you have it; mitame keeps no copies"


class UnknownLens(CollectionError):
    """The collection has no lens of this name."""

    code = "unknown_lens"
    status = 404
    default_remedy = "list its lenses with: mitame status"


class SpecMismatch(CollectionError):
    """Vectors of one embedder's spec were offered to a lens of another."""

    code = "spec_mismatch"
    default_remedy = "use the embedder that the lens was made with, or a new collection"


class CorruptCollection(CollectionError):
    """Files of a collection contradict each other."""

    code = "corrupt_collection"
    default_remedy = "restore it from a backup, or index the pictures again into a new one"


class NewerFormat(CollectionError):
    """Written by a later version of mitame."""

    code = "newer_format"
    default_remedy = "upgrade with: pip install -U mitame"


class CollectionBusy(CollectionError):
    """Another process holds the lock for too long."""

    code = "collection_busy"
    default_remedy = "wait for the other process to end, then try again"


class NotMerged(CollectionError):
    """Too many items are not in the neighbour table yet."""

    code = "not_merged"
    default_remedy = "merge first: mitame merge, or POST /v1/collections/NAME/merge"


class StorageError(CollectionError):
    """The disk is full, read-only or gone."""

    code = "storage"
    default_remedy = "free some space or choose another --data directory"


class TargetError(MitameError):
    """A server that results are written to can't be reached, refuses us, or has no room."""

    code = "target"
    status = 422
    default_remedy = "check its address, and that it is running"


class ServiceError(MitameError):
    """A mitame service that can't be reached, or answers what none of ours does."""

    code = "service"
    status = 422
    default_remedy = "check the address, and that mitame serve is running there"


class RequestError(MitameError):
    """An HTTP request that can't be answered as it is."""

    code = "request"


class MalformedRequest(RequestError):
    """Bytes that are no HTTP/1.1 request, or an ambiguous one."""

    code = "malformed_request"
    default_remedy = "send one that RFC 9112 allows"


class HeadersTooLarge(RequestError):
    """More bytes of headers, or more headers, than the limits allow."""

    code = "headers_too_large"
    status = 431
    default_remedy = "send fewer or shorter headers"


class PathTooLong(RequestError):
    """A path and query string longer than the limits allow."""

    code = "path_too_long"
    status = 414
    default_remedy = "send a query as a POST with a body"


class MalformedBody(RequestError):
    """A body that can't be read at all."""

    code = "malformed_body"
    default_remedy = "send what the content type says"


class InvalidBody(RequestError):
    """A body that can be read, with fields that are wrong."""

    code = "invalid_body"
    status = 422
    default_remedy = "see /docs for the fields"


class UnsupportedMedia(RequestError):
    """A content type that this route does not read."""

    code = "unsupported_media"
    status = 415


class BodyTooLarge(RequestError):
    """More bytes or rows than the limits allow."""

    code = "body_too_large"
    status = 413
    default_remedy = "send less at once, or raise the limit in the server's configuration"


class SlowRequest(RequestError):
    """The body did not come in time."""

    code = "slow_request"
    status = 408
    default_remedy = "send it again"


class NotAuthenticated(RequestError):
    """No key, or a wrong one."""

    code = "not_authenticated"
    status = 401
    default_remedy = "send a key: Authorization: Bearer KEY"


class NotAllowed(RequestError):
    """The key's role or scope does not reach."""

    code = "not_allowed"
    status = 403
    default_remedy = "use a key with the role that the route asks for"


class PreconditionFailed(RequestError):
    """Somebody else has changed the item meanwhile."""

    code = "precondition_failed"
    status = 412
    default_remedy = "read the item again, then send If-Match with its new ETag"


class KeyReused(RequestError):
    """An Idempotency-Key that came with another request before."""

    code = "key_reused"
    status = 422
    default_remedy = "use a new Idempotency-Key for a new request"


class RequestInFlight(RequestError):
    """The first request with the same Idempotency-Key is not answered yet.

    Attributes:
        seconds: after which it may be.
    """

    seconds: float = 1
    code = "request_in_flight"
    status = 409
    default_remedy = "wait as long as Retry-After says, then send it again"


class RouteNotFound(RequestError):
    """Nothing is served at this address."""

    code = "route_not_found"
    status = 404
    default_remedy = "see /docs for what there is; write / in an id as %2F"


class JobNotFound(RequestError):
    """No job has this id."""

    code = "job_not_found"
    status = 404
    default_remedy = "finished jobs are forgotten after a week"


class MethodNotAllowed(RequestError):
    """The address is served, but not with this method."""

    code = "method_not_allowed"
    status = 405


class TooManyRequests(RequestError):
    """One caller asks more than its share.

    Attributes:
        seconds: after which it may try again.
    """

    seconds: float = 1
    code = "too_many_requests"
    status = 429
    default_remedy = "wait as long as Retry-After says"


class Overloaded(RequestError):
    """All callers together ask more than can be answered.

    Attributes:
        seconds: after which a try may be worth it.
    """

    seconds: float = 1
    code = "overloaded"
    status = 503
    default_remedy = "wait as long as Retry-After says, then send it again"


class MissingExtra(MitameError):
    """An optional dependency is not installed.

    Args:
        what: what needs it, as the start of the message.
        extra: name of the extra in pyproject.
    """

    code = "missing_extra"
    status = 422

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional dependency",
            remedy=f"install it with: pip install 'mitame[{extra}]'",
        )
