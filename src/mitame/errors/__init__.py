"""Every error that mitame raises on purpose: one tree, no third party's exception leaks.

    MitameError
    ├── UsageError               the call itself is wrong
    │   ├── InvalidId
    │   ├── InvalidFilter
    │   ├── InvalidVector        NaN, infinity, wrong shape or dimension
    │   ├── NoCategories         nothing that answers could be measured by
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
    │   ├── DecisionNotFound
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

from mitame.errors.base import (
    CannotListen,
    InvalidFilter,
    InvalidId,
    InvalidVector,
    MissingExtra,
    MitameError,
    NoCategories,
    ServiceError,
    TargetError,
    UsageError,
    with_heirs,
)
from mitame.errors.collections import (
    CollectionBusy,
    CollectionError,
    CollectionExists,
    CollectionNotFound,
    CorruptCollection,
    DecisionNotFound,
    GenerationNotFound,
    ItemExists,
    ItemNotFound,
    NewerFormat,
    NotMerged,
    PictureNotKept,
    SpecMismatch,
    StorageError,
    UnknownLens,
)
from mitame.errors.pictures import (
    DamagedArchive,
    DamagedImage,
    EmbedderError,
    EmptyImage,
    FetchFailed,
    FetchRefused,
    ImageError,
    ImageTooLarge,
    InvalidFile,
    InvalidManifest,
    InvalidModel,
    NotAnImage,
    NoTextSide,
    SourceError,
    UnknownEmbedder,
    UnreadableFile,
    UnsupportedImage,
    WeightsNotFound,
)
from mitame.errors.requests import (
    BodyTooLarge,
    HeadersTooLarge,
    InvalidBody,
    JobNotFound,
    KeyReused,
    MalformedBody,
    MalformedRequest,
    MethodNotAllowed,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    PathTooLong,
    PreconditionFailed,
    RequestError,
    RequestInFlight,
    RouteNotFound,
    SlowRequest,
    TooManyRequests,
    UnsupportedMedia,
)

__all__ = [
    "BodyTooLarge",
    "CannotListen",
    "CollectionBusy",
    "CollectionError",
    "CollectionExists",
    "CollectionNotFound",
    "CorruptCollection",
    "DamagedArchive",
    "DamagedImage",
    "DecisionNotFound",
    "EmbedderError",
    "EmptyImage",
    "FetchFailed",
    "FetchRefused",
    "GenerationNotFound",
    "HeadersTooLarge",
    "ImageError",
    "ImageTooLarge",
    "InvalidBody",
    "InvalidFile",
    "InvalidFilter",
    "InvalidId",
    "InvalidManifest",
    "InvalidModel",
    "InvalidVector",
    "ItemExists",
    "ItemNotFound",
    "JobNotFound",
    "KeyReused",
    "MalformedBody",
    "MalformedRequest",
    "MethodNotAllowed",
    "MissingExtra",
    "MitameError",
    "NewerFormat",
    "NoCategories",
    "NoTextSide",
    "NotAllowed",
    "NotAnImage",
    "NotAuthenticated",
    "NotMerged",
    "Overloaded",
    "PathTooLong",
    "PictureNotKept",
    "PreconditionFailed",
    "RequestError",
    "RequestInFlight",
    "RouteNotFound",
    "ServiceError",
    "SlowRequest",
    "SourceError",
    "SpecMismatch",
    "StorageError",
    "TargetError",
    "TooManyRequests",
    "UnknownEmbedder",
    "UnknownLens",
    "UnreadableFile",
    "UnsupportedImage",
    "UnsupportedMedia",
    "UsageError",
    "WeightsNotFound",
    "with_heirs",
]
