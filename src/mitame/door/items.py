"""Items one by one: added, changed, removed, read, listed, counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.adding import Adding
from mitame.arguments import filter_of, lens_of
from mitame.browsing import Facet, facets
from mitame.collection import KEEP, Item, Patch, Remove
from mitame.collection.changes import Keep
from mitame.collection.item import check_attributes, check_category, check_id
from mitame.door.held import Held
from mitame.errors import InvalidId
from mitame.filters import Filter
from mitame.picture import Picture
from mitame.thumbnails.copying import Copying


class Items(Held):
    """What can be done with items."""

    def add(
        self,
        id: str | int,  # noqa: A002 - the word that users know
        *,
        image: Picture | None = None,
        images: Iterable[Picture] = (),
        vector: ArrayLike | None = None,
        vectors: Mapping[str, ArrayLike] | None = None,
        category: str | None = None,
        attributes: Mapping[str, object] | None = None,
        replace: bool = True,
    ) -> None:
        """Add an item, or replace it whole; durable and searchable when this returns.

        Args:
            id: any string of 1 to 1,000 characters; an integer becomes its decimal digits.
            image: a path, an http(s) URL, the file's bytes, a binary file object, or pixels as
                uint8[height, width, 3].
            images: several of them, when the item has more than one.
            vector: float[dim] for the first lens, instead of an image.
            vectors: one vector per lens name, instead of an image.
            category: one word or phrase.
            attributes: names to strings, numbers, booleans, None or lists of strings.
            replace: False refuses an id that is there already.

        Raises:
            UsageError: neither image nor vector, or both; a bad id, category or attribute.
            ImageError: the picture can't be used; nothing was changed.
            ItemExists: the id is there and `replace` is false.
        """
        copying = Copying(self._copies)
        bounds = (self._limits, self._allow_private)
        adding = Adding(self.lenses, self._embedders, *bounds, copying)
        put = adding.put(
            id,
            image=image,
            images=images,
            vector=vector,
            vectors=vectors,
            category=category,
            attributes=attributes,
            replace=replace,
        )
        copying.keep()
        self._store.append([put])

    def update(
        self,
        id: str | int,  # noqa: A002
        *,
        category: str | Keep | None = KEEP,
        attributes: Mapping[str, object] | Keep = KEEP,
    ) -> None:
        """Change an item's category or attributes; its images and vectors stay.

        Raises:
            ItemNotFound: no item has this id.
        """
        fields = attributes if isinstance(attributes, Keep) else check_attributes(attributes)
        kind = category if isinstance(category, Keep) else check_category(category)
        self._store.append([Patch(check_id(id), category=kind, attributes=fields)])

    def remove(self, id: str | int) -> None:  # noqa: A002
        """Remove an item.

        Raises:
            ItemNotFound: no item has this id.
        """
        self.remove_all([id])

    def remove_all(self, ids: Iterable[str | int]) -> None:
        """Remove several items at once: all of them, or none.

        Raises:
            ItemNotFound: no item has one of these ids; nothing was removed.
        """
        self._store.append([Remove(each) for each in dict.fromkeys(map(check_id, ids))])

    def get(self, id: str | int) -> Item | None:  # noqa: A002
        """The item, or None. Its vectors are not loaded: see `vectors`."""
        wanted = check_id(id)
        with self._store.pin() as view:
            return view.get(wanted)

    def vectors(self, id: str | int, lens: str | None = None) -> NDArray[np.float32]:  # noqa: A002
        """The item's vectors as float32[images, dim].

        Raises:
            ItemNotFound: no item has this id.
        """
        wanted = check_id(id)
        with self._store.pin() as view:
            return view.vectors(wanted, lens_of(view.lenses, lens).name)

    def items(self, where: str | Filter | None = None) -> Iterator[Item]:
        """All items, by id, that match the filter; a consistent moment."""
        return self._walk(filter_of(where))

    def _walk(self, condition: Filter | None) -> Iterator[Item]:
        with self._store.pin() as view:
            yield from view.items(condition)

    def count(self, where: str | Filter | None = None) -> int:
        """How many items match the filter."""
        condition = filter_of(where)
        with self._store.pin() as view:
            return view.count(condition)

    def facets(
        self,
        keys: Sequence[str] = ("category",),
        where: str | Filter | None = None,
        *,
        limit: int = 10,
    ) -> list[Facet]:
        """How many items have which values.

        Args:
            keys: names of attributes, or ``category``; 1 to 16.
            where: only items that pass.
            limit: values of each that are told, the most frequent ones; 0 to 1,000.
        """
        condition = filter_of(where)
        with self._store.pin() as view:
            return facets(view, keys, condition, top=limit)[1]

    def __len__(self) -> int:
        return self.count()

    def __contains__(self, id: object) -> bool:  # noqa: A002
        try:
            return isinstance(id, str | int) and self.get(id) is not None
        except InvalidId:
            return False
