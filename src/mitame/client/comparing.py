"""The request that compares an item. Its first argument is the collection's name."""

from __future__ import annotations

import base64

from mitame.client.pictures import file_of
from mitame.client.request import Request, collection_path, given, reader
from mitame.collection.item import check_id
from mitame.picture import Picture
from mitame.wire.comparing import CompareReply


def compare(
    collection: str,
    id: str | int,  # noqa: A002 - the word that users know
    *,
    other: str | int | None = None,
    image: Picture | None = None,
    lens: str | None = None,
    limit: int = 50,
    patches: bool = True,
) -> Request[CompareReply]:
    """Why an item is like another one, or like a picture.

    Args:
        id: the item's.
        other: another item's id.
        image: a picture instead, as in `search`.
        lens: in which neighbours are looked for; the first one when None.
        limit: so many neighbours of each are compared, 1 to 1,000.
        patches: tell which parts of the pictures are alike.

    Raises:
        ItemNotFound: one of the items is not there.
    """
    file = None if image is None else file_of(image)
    body = {
        "id": check_id(id),
        "other": None if other is None else check_id(other),
        "image_base64": base64.b64encode(file).decode() if isinstance(file, bytes) else None,
        "image_url": file if isinstance(file, str) else None,
        "lens": lens,
        "limit": limit,
        "patches": patches,
    }
    path = collection_path(collection, "/compare")
    return Request("POST", path, reader(CompareReply), body=given(body))
