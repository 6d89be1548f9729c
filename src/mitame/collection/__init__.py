"""Collections: items, their images and vectors, kept on the disk and searched from there.

Write with `Store.append`, read with `Store.pin`; nothing else touches the files.
"""

from mitame.collection.base_index import BaseIndex, IndexFacts
from mitame.collection.changes import (
    ANY,
    KEEP,
    Attach,
    Change,
    Expect,
    Patch,
    Put,
    Relocate,
    Remove,
)
from mitame.collection.choice import Choice
from mitame.collection.evaluations import Evaluation, EvaluationStore
from mitame.collection.excluding import Excluding
from mitame.collection.generations import GenerationInfo
from mitame.collection.index_status import IndexStatus, index_status
from mitame.collection.item import (
    Attribute,
    Item,
    ItemImage,
    Scalar,
    check_attributes,
    check_id,
)
from mitame.collection.lens import Lens
from mitame.collection.neighbor_keys import nearest_rows
from mitame.collection.neighbor_lists import ItemList
from mitame.collection.neighbor_search import searched
from mitame.collection.opening import create, open_store, restore
from mitame.collection.paths import (
    bytes_within,
    check_name,
    collection_path,
    list_collections,
)
from mitame.collection.policy import DeltaCounts, MergePolicy, should_merge
from mitame.collection.records import MissingImage, RowRecord, Since, SourceRecord
from mitame.collection.store import Store
from mitame.collection.view import View

__all__ = [
    "ANY",
    "KEEP",
    "Attach",
    "Attribute",
    "BaseIndex",
    "Change",
    "Choice",
    "DeltaCounts",
    "Evaluation",
    "EvaluationStore",
    "Excluding",
    "Expect",
    "GenerationInfo",
    "IndexFacts",
    "IndexStatus",
    "Item",
    "ItemImage",
    "ItemList",
    "Lens",
    "MergePolicy",
    "MissingImage",
    "Patch",
    "Put",
    "Relocate",
    "Remove",
    "RowRecord",
    "Scalar",
    "Since",
    "SourceRecord",
    "Store",
    "View",
    "bytes_within",
    "check_attributes",
    "check_id",
    "check_name",
    "collection_path",
    "create",
    "index_status",
    "list_collections",
    "nearest_rows",
    "open_store",
    "restore",
    "searched",
    "should_merge",
]
