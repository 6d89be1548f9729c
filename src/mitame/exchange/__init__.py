"""Items and vectors in and out of a collection, in others' formats.

    from mitame import exchange

    rows = exchange.read("old.ann", dimension=256, metric="angular")
    report = exchange.import_rows(collection, rows)
    exchange.export_rows(collection, "items.parquet")

| format | read | written | holds |
|---|---|---|---|
| ``csv`` | yes | yes | ``key,f1,f2,...``, or a header with category and attributes |
| ``jsonl`` | yes | yes | one object per line |
| ``npy`` | yes | yes | an array, with ids and attributes in files beside it |
| ``parquet`` | yes | yes | columns; needs the extra ``parquet`` |
| ``annoy`` | yes | | index of annoy, float32 or float64 |
| ``faiss`` | yes | | flat, IVF flat and HNSW flat indexes, with id maps or without |
| ``hnswlib`` | yes | | saved index |

Nothing that is read is run or unpickled; files are read block by block, every length in them is
checked against the file's size, and what is damaged becomes `InvalidFile`.
"""

from mitame.exchange.export import ExportReport, export_rows
from mitame.exchange.formats import FORMATS, WRITABLE, Format, read, write
from mitame.exchange.importing import ImportReport, import_rows, make_collection
from mitame.exchange.row import Block, ItemType, Metric, RefusedRow, Row, Rows

__all__ = [
    "FORMATS",
    "WRITABLE",
    "Block",
    "ExportReport",
    "Format",
    "ImportReport",
    "ItemType",
    "Metric",
    "RefusedRow",
    "Row",
    "Rows",
    "export_rows",
    "import_rows",
    "make_collection",
    "read",
    "write",
]
