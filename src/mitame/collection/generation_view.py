"""What a generation answers alone, without what has changed since: to compare generations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mitame.collection.columns import Columns
from mitame.collection.database import reading
from mitame.collection.item import Item, ItemImage
from mitame.collection.listing import pages
from mitame.collection.neighbor_lists import ItemList
from mitame.collection.records import Row, RowRecord, row_record
from mitame.collection.rows import LensRows
from mitame.collection.served import Served
from mitame.collection.view import View
from mitame.errors import InvalidFilter, UnknownLens
from mitame.filters import Filter
from mitame.timing import timed


class GenerationView(View):
    """A moment of a collection at which a generation answers as it did when it was made.

    What is searched is the generation's: rows, index, neighbour table, and the categories and
    attributes that filters look at. What is asked about is of now: an item by its id stands for
    the vectors that it has now, so that two generations can be asked the same question. Answers
    tell items as they are now, and what has become of them since.

    Args:
        now: the collection at this moment; the view ends before it.
        served: the generation, acquired.
    """

    def __init__(self, now: View, served: Served) -> None:
        super().__init__(now.path, now._open, served.position, now.table, served)
        self._now = now
        assert served.snapshot is not None
        self._snapshot = served.snapshot

    def count(self, where: Filter | None = None) -> int:
        """How many items the generation has, or how many of them passed then."""
        return self._snapshot.items if where is None else super().count(where)

    def items(
        self, where: Filter | None = None, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[Item]:
        """As of the moment itself."""
        return self._now.items(where, after=after, limit=limit)

    def vectors(self, item_id: str, lens: str) -> NDArray[np.float32]:
        """An item's vectors as they are now; as in `View.vectors`."""
        return self._now.vectors(item_id, lens)

    def listed(
        self, lens: str, keys: Sequence[int], limit: int, where: Filter | None = None
    ) -> list[ItemList | None]:
        """As in `View.listed`; None also for an item that has other vectors now."""
        found = super().listed(lens, keys, limit, where)
        return [
            each if each is not None and self._is_as_it_was(lens, key) else None
            for key, each in zip(keys, found, strict=True)
        ]

    def rows_of(self, lens: str, keys: Sequence[int]) -> NDArray[np.int64]:
        """int64[n], the rows that the items with these keys had, ascending."""
        owners = self.lens_rows(lens).base.owners
        with reading(self._path):
            return np.flatnonzero(np.isin(owners, np.array(keys, np.int64)))

    @timed("hydrate")
    def records(self, lens: str, rows: Sequence[int]) -> list[RowRecord]:
        """What rows of a lens belong to, in the order asked: as that is now, where it still is."""
        base = self.lens_rows(lens).base
        with reading(self._path):
            places = np.array(rows, np.int64)
            in_log, owners = base.rows[places].tolist(), base.owners[places].tolist()
            found = self.rows_in_log(lens, in_log)
            items = self._items([k for n, k in zip(in_log, owners, strict=True) if n not in found])
            return [
                row_record(row, found[n]) if n in found else self._record_since(row, key, items)
                for row, n, key in zip(rows, in_log, owners, strict=True)
            ]

    def columns(self, names: frozenset[str]) -> Columns:
        """The generation's own columns.

        Raises:
            InvalidFilter: it has none of one of these names, as no item had such an attribute,
                or there were too many others.
        """
        with reading(self._path):
            columns = self._snapshot.columns()
        if missing := sorted(names - columns.by_name.keys()):
            raise InvalidFilter(
                f"generation {self.generation} keeps no attribute {missing[0][:100]!r}",
                remedy=f"filter by one that it has: {', '.join(columns.by_name)}"[:500],
            )
        return columns

    def lens_rows(self, name: str) -> LensRows:
        """The rows of a lens, for this package.

        Raises:
            UnknownLens: there is no such lens, or there was none when the generation was made.
        """
        known = self._table.stored.get(name)
        if known is not None and known.key not in self._snapshot.lenses:
            raise UnknownLens(
                f"generation {self.generation} has no lens {name!r}",
                remedy="ask a generation that was made since the lens was added",
            )
        return super().lens_rows(name)

    def _is_as_it_was(self, lens: str, key: int) -> bool:
        """Whether an item has the very rows that it had."""
        sql = "SELECT row FROM vectors INDEXED BY vectors_by_image WHERE item = ? AND lens = ?"
        now = sorted(row for (row,) in self.select(sql, key, self._table.find(lens).key))
        rows = self.rows_of(lens, [key])
        return bool(np.array_equal(now, self.lens_rows(lens).base.rows[rows]))

    def _items(self, keys: Sequence[int]) -> dict[int, Row]:
        """Id, category and attributes of the items with these keys that are there still."""
        sql = (
            "SELECT key, id, category, attributes FROM items"
            " WHERE key IN (SELECT value FROM json_each(?))"
        )
        found: dict[int, Row] = {}
        for part in pages(keys):
            found.update((row[0], row[1:]) for row in self.select(sql, json.dumps(part)))
        return found

    def _record_since(self, row: int, key: int, items: dict[int, Row]) -> RowRecord:
        """Of a row that is no more: of an item that has others now, or none."""
        if key in items:
            item_id, category, attributes = items[key]
            return RowRecord(row, item_id, category, json.loads(attributes), ItemImage(), "changed")
        return RowRecord(row, self._snapshot.id_of(key) or "", None, {}, ItemImage(), "gone")
