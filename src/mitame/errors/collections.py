"""Collections, and what is asked of them."""

from __future__ import annotations

from mitame.errors.base import MitameError


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


class DecisionNotFound(CollectionError):
    """Nothing was decided under this id."""

    code = "decision_not_found"
    status = 404
    default_remedy = "list them: GET /v1/collections/{collection}/duplicates/decisions"


class PictureNotKept(CollectionError):
    """An item's picture can't be shown: only its vectors were stored, or its file has gone."""

    code = "picture_not_kept"
    status = 404
    default_remedy = "show the picture from where you have it; mitame keeps copies of uploads alone"


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
