"""Questions: what looks like this?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.arguments import check_threshold, filter_of, lens_of, vector_of
from mitame.collection.item import check_id
from mitame.door.held import Held
from mitame.embedders.protocol import TextEmbedder
from mitame.errors import NoTextSide, UsageError
from mitame.filters import Filter
from mitame.images.region import check_region
from mitame.lenses import OWN_VECTORS
from mitame.maps import ItemMap, item_map
from mitame.picture import Picture
from mitame.search import Answer, Query, check_limit, search, similar


class Asking(Held):
    """What can be asked."""

    def search(
        self,
        *,
        image: Picture | None = None,
        vector: ArrayLike | None = None,
        limit: int = 10,
        where: str | Filter | None = None,
        lens: str | None = None,
        score_threshold: float | None = None,
        effort: float | None = None,
        exact: bool = False,
        generation: int | None = None,
    ) -> Answer:
        """What looks like this picture, or lies near this vector.

        Args:
            image: as in `add`.
            vector: float[dim] of the lens, instead of an image.
            limit: at most this many items, 1 to 10,000; the answer has as many as match.
            where: a filter such as ``category=mug,price<5000,sold_out!=true``.
            lens: which way of being alike; the first one when None.
            score_threshold: leave out neighbours with a lower score.
            effort: how hard to look, 0 (quickest) to 1; as was tuned when None.
            exact: look at every vector, whichever engine was chosen.
            generation: ask this one alone, without what has changed since it was made: one of
                those that are kept, see ``mitame generations``. Neighbours say what has become
                of them since.

        Raises:
            GenerationNotFound: it is not kept.
        """
        if (image is None) == (vector is None):
            raise UsageError("a search needs either an image or a vector", remedy="give one")
        condition, lowest = filter_of(where), check_threshold(score_threshold)
        check_limit(limit)
        with self._store.pin() as view:
            # The lens of this very moment: another process may switch its name meanwhile.
            chosen = lens_of(view.lenses, lens)
            if image is not None:
                asked = self._vector_of(image, chosen)
            elif vector is not None:
                asked = vector_of(vector, chosen)
            query = Query(
                chosen.name,
                asked[np.newaxis],
                limit,
                condition,
                score_threshold=lowest,
                effort=effort,
                exact=exact,
            )
            with self._store.alone(view, generation) as asked_view:
                return search(asked_view, query)

    def similar(
        self,
        id: str | int,  # noqa: A002
        *,
        limit: int = 10,
        where: str | Filter | None = None,
        lens: str | None = None,
        score_threshold: float | None = None,
        effort: float | None = None,
        exact: bool = False,
        generation: int | None = None,
    ) -> Answer:
        """What looks like this item, by the vectors that it has now; never the item itself.

        Args:
            id: the item's.
            limit, where, lens, score_threshold, effort, exact, generation: as in `search`.

        Raises:
            ItemNotFound: no item has this id.
            GenerationNotFound: the generation is not kept.
        """
        wanted, condition = check_id(id), filter_of(where)
        lowest = check_threshold(score_threshold)
        with self._store.pin() as now, self._store.alone(now, generation) as view:
            return similar(
                view,
                wanted,
                lens=lens_of(view.lenses, lens).name,
                limit=limit,
                where=condition,
                score_threshold=lowest,
                effort=effort,
                exact=exact,
            )

    def map(
        self,
        *,
        lens: str | None = None,
        where: str | Filter | None = None,
        limit: int | None = None,
    ) -> ItemMap:
        """Where the items lie on a plane, near to those that look like them.

        Args:
            lens: which way of being alike; the first one when None.
            where: only items that pass; a filter moves no item.
            limit: at most so many, drawn evenly; all when None.
        """
        condition = filter_of(where)
        if limit is not None and limit < 1:
            raise UsageError(f"a map can't have {limit} items", remedy="show at least one")
        with self._store.pin() as view:
            return item_map(view, lens_of(view.lenses, lens).name, condition, limit=limit)

    def embed(
        self, image: Picture, *, lens: str | None = None, region: Sequence[float] | None = None
    ) -> NDArray[np.float32]:
        """The vector of a picture, or of a box of it, under a lens, float32[dim].

        Nothing is stored.

        Args:
            image: as in `add`.
            lens: which; the first one when None.
            region: left, top, right and bottom as shares of width and height, 0 to 1.
        """
        box = None if region is None else check_region(region)
        return self._vector_of(image, lens_of(self.lenses, lens), box)

    def embed_text(self, text: str, *, lens: str | None = None) -> NDArray[np.float32]:
        """The vector of a text among a lens's pictures, float32[dim].

        Raises:
            NoTextSide: the lens's embedder sees pictures only.
        """
        chosen = lens_of(self.lenses, lens)
        is_own = chosen.spec.name == OWN_VECTORS
        embedder = None if is_own else self._embedders.of(chosen)
        if not isinstance(embedder, TextEmbedder):
            raise NoTextSide(f"the lens {chosen.name!r} has no text side")
        vector: NDArray[np.float32] = embedder.embed_text([text])[0]
        return vector
