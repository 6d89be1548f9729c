"""An item as it comes over HTTP: JSON, a form with pictures, or a picture alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from mitame.adding import Adding
from mitame.api import Collection
from mitame.collection import Item, ItemImage, Lens, Put, check_attributes, check_id
from mitame.collection.item import check_category
from mitame.errors import InvalidBody
from mitame.serving.bodies import check_media, decoded, media_type
from mitame.serving.pictures.embedding import Embedding, Given
from mitame.serving.pictures.forms import MULTIPART, check_names, only, parts_of
from mitame.serving.routes import JSON
from mitame.serving.v1.questions import bytes_of, floats_of
from mitame.thumbnails.store import ThumbnailStore
from mitame.wire.items import ItemFields, NewItem, Pictured
from mitame.wire.queries import Vector

BINARY = "application/octet-stream"
MEDIA = (JSON, MULTIPART, "image/*", BINARY)
_KINDS = ("image_base64", "image_url", "vector", "vectors")


@dataclass(frozen=True)
class Upload:
    """An item before its pictures are vectors; nothing of it has been looked at yet.

    Attributes:
        category, attributes: as they were sent.
        pictures: files or URLs; none where there are vectors.
        vector: of the first lens.
        vectors: by lens name.
    """

    category: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    pictures: tuple[Given, ...] = ()
    vector: NDArray[np.float32] | None = None
    vectors: Mapping[str, NDArray[np.float32]] | None = None

    @property
    def widest(self) -> int:
        """Floats of its longest vector; 0 where it has none."""
        one = () if self.vector is None else (self.vector,)
        return max(map(len, (*one, *(self.vectors or {}).values())), default=0)

    def checked(self, item_id: str) -> Item:
        """The item without its images: what can be wrong before a picture is looked at.

        Raises:
            InvalidId, UsageError: as they say.
        """
        fields = check_attributes(self.attributes)
        return Item(check_id(item_id), check_category(self.category), fields)

    def bare(self, item_id: str, lenses: Mapping[str, Lens]) -> Put:
        """The change that adds it, where it has vectors instead of pictures.

        Raises:
            InvalidId, InvalidVector, UnknownLens, UsageError: as they say.
        """
        return Adding(lenses).put(
            item_id,
            vector=self.vector,
            vectors=self.vectors,
            category=self.category,
            attributes=self.attributes,
        )


def upload_of(request: Request, data: bytes) -> Upload:
    """What a request to add an item says. It may block for long: call it on a thread.

    Raises:
        UnsupportedMedia, MalformedBody, InvalidBody, InvalidVector: it can't be read.
    """
    media = media_type(request)
    if media.startswith("image/") or media == BINARY:
        return Upload(pictures=(data,))
    if check_media(request, *MEDIA) == JSON:
        body = decoded(data, NewItem)
        return looks(body, body.category, body.attributes)
    return _of_form(data, request.headers["content-type"])


def looks(body: Pictured, category: str | None, attributes: Mapping[str, object]) -> Upload:
    """The upload that a body's fields make.

    Raises:
        InvalidBody, InvalidVector: not exactly one picture or vector, or one that is wrong.
    """
    kinds = [name for name in _KINDS if getattr(body, name) is not None]
    if len(kinds) != 1:
        raise InvalidBody(
            f"the item has {' and '.join(kinds) or 'neither a picture nor a vector'}",
            remedy=f"give one of {', '.join(_KINDS)}",
        )
    if body.vector is not None:
        return Upload(category, attributes, vector=floats(body.vector, "vector"))
    if body.vectors is not None:
        by_lens = {name: floats(each, "a vector") for name, each in body.vectors.items()}
        if not by_lens:
            raise InvalidBody("vectors is empty", remedy="give one per lens name")
        return Upload(category, attributes, vectors=by_lens)
    return Upload(category, attributes, (given(body.image_base64, body.image_url),))


def given(image_base64: str | None, image_url: str | None) -> Given:
    """A picture's file or URL, of which exactly one is there.

    Raises:
        InvalidBody: none or both are, or one can't be.
    """
    if (image_base64 is None) == (image_url is None):
        raise InvalidBody("a picture needs either image_base64 or image_url", remedy="give one")
    if image_base64 is not None:
        return bytes_of(image_base64, "image_base64")
    url = image_url or ""
    if not url.lower().startswith(("http://", "https://")):
        raise InvalidBody(f"image_url {url[:80]!r} is no http(s) URL")
    return url


def floats(value: Vector, what: str) -> NDArray[np.float32]:
    """Numbers, or base64 of little-endian float32, as an array.

    Raises:
        InvalidBody, InvalidVector: neither.
    """
    if isinstance(value, str):
        return floats_of(bytes_of(value, what), what)
    with np.errstate(over="ignore"):  # infinity is refused later, by name
        return np.array(value, np.float32)


def newest_lenses(collection: Collection) -> dict[str, Lens]:
    """The lenses as they are now: another process may have added or exchanged some. It blocks."""
    with collection.store.pin() as view:
        return dict(view.lenses)


async def put_of(
    embedding: Embedding,
    lenses: Mapping[str, Lens],
    item_id: str,
    upload: Upload,
    copies: ThumbnailStore,
) -> Put:
    """The change that adds an item whose pictures are embedded now; small copies are kept.

    Raises:
        InvalidId, UsageError: found before any picture is looked at.
        ImageError, SourceError, EmbedderError, Overloaded: a picture can't be used.
    """
    item = upload.checked(item_id)
    images = await embedding.images(lenses, upload.pictures, copies)
    prints = {name: lens.spec.fingerprint for name, lens in lenses.items()}
    return Put(_with(item, images), fingerprints=prints)


def _with(item: Item, images: list[ItemImage]) -> Item:
    return Item(item.id, item.category, item.attributes, tuple(images))


def _of_form(data: bytes, content_type: str) -> Upload:
    parts = parts_of(data, content_type)
    check_names(parts, "image", "item")
    told = only(parts, "item")
    fields = ItemFields() if told is None else decoded(told.data, ItemFields)
    pictures = tuple(part.data for part in parts if part.name == "image")
    if not pictures:
        raise InvalidBody("the form has no part 'image'", remedy="give at least one")
    return Upload(fields.category, fields.attributes, pictures)
