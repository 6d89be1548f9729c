"""Collections: items, their images and vectors, kept on the disk and searched from there.

Write with `Store.append`, read with `Store.pin`; nothing else touches the files.
"""

from mitame.collection.changes import KEEP, Change, Patch, Put, Relocate, Remove
from mitame.collection.item import (
    Attribute,
    Item,
    ItemImage,
    Scalar,
    check_attributes,
    check_id,
)
from mitame.collection.lens import Lens
from mitame.collection.paths import check_name, collection_path, list_collections
from mitame.collection.store import Store, create, open_store
from mitame.collection.view import RowRecord, SourceRecord, View

__all__ = [
    "KEEP",
    "Attribute",
    "Change",
    "Item",
    "ItemImage",
    "Lens",
    "Patch",
    "Put",
    "Relocate",
    "Remove",
    "RowRecord",
    "Scalar",
    "SourceRecord",
    "Store",
    "View",
    "check_attributes",
    "check_id",
    "check_name",
    "collection_path",
    "create",
    "list_collections",
    "open_store",
]
