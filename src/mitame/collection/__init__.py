"""Collections: items, their images and vectors, kept on the disk and searched from there.

Write with `Store.append`, read with `Store.pin`; nothing else touches the files.
"""

from mitame.collection.changes import KEEP, Attach, Change, Patch, Put, Relocate, Remove
from mitame.collection.generations import GenerationInfo
from mitame.collection.item import (
    Attribute,
    Item,
    ItemImage,
    Scalar,
    check_attributes,
    check_id,
)
from mitame.collection.lens import Lens
from mitame.collection.opening import create, open_store, restore
from mitame.collection.paths import check_name, collection_path, list_collections
from mitame.collection.policy import DeltaCounts, MergePolicy, should_merge
from mitame.collection.records import MissingImage, RowRecord, SourceRecord
from mitame.collection.store import Store
from mitame.collection.view import View

__all__ = [
    "KEEP",
    "Attach",
    "Attribute",
    "Change",
    "DeltaCounts",
    "GenerationInfo",
    "Item",
    "ItemImage",
    "Lens",
    "MergePolicy",
    "MissingImage",
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
    "restore",
    "should_merge",
]
