"""From what a caller lists to the change that adds it; needs no collection yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from mitame.arguments import lens_of, pictures_of, vector_of
from mitame.collection import Item, ItemImage, Lens, Put
from mitame.collection.item import check_attributes, check_category, check_id
from mitame.errors import UsageError
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.lenses import Embedders
from mitame.picture import Picture, item_image
from mitame.thumbnails.copying import Copying


@dataclass(frozen=True)
class Adding:
    """Makes items for these lenses.

    Attributes:
        lenses: the collection's, or those that it is about to be made with.
        embedders: opens what the lenses need.
        limits: bounds on bytes and pixels of a picture.
        allow_private: fetch from private network addresses, too.
        copying: makes small copies of pictures of which no file lies here; the caller keeps them.
    """

    lenses: Mapping[str, Lens]
    embedders: Embedders = field(default_factory=Embedders)
    limits: ImageLimits = DEFAULT_LIMITS
    allow_private: bool = False
    copying: Copying | None = None

    def put(
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
    ) -> Put:
        """The change that adds an item; the arguments are those of `mitame.Collection.add`.

        Raises:
            UsageError: neither image nor vector, or both; a bad id, category or attribute.
            ImageError, SourceError: a picture can't be used.
        """
        item_id, kind = check_id(id), check_category(category)
        fields = check_attributes(attributes)
        pictures = pictures_of(image, images)
        given = _given(vectors)
        if vector is not None:
            given[next(iter(self.lenses))] = vector
        if bool(pictures) == bool(given):
            raise UsageError("an item needs either images or vectors", remedy="give one of both")
        kept = [self._pictured(each) for each in pictures] or [self._bare(given)]
        prints = {} if given else self._fingerprints()
        item = Item(item_id, kind, fields, tuple(kept))
        return Put(item, create_only=not replace, fingerprints=prints)

    def _pictured(self, picture: Picture) -> ItemImage:
        embedders = self.embedders.all(self.lenses)
        return item_image(
            picture,
            embedders,
            limits=self.limits,
            allow_private=self.allow_private,
            copying=self.copying,
        )

    def _bare(self, given: Mapping[str, ArrayLike]) -> ItemImage:
        found = {name: lens_of(self.lenses, name) for name in given}
        return ItemImage(vectors={name: vector_of(given[name], found[name]) for name in given})

    def _fingerprints(self) -> dict[str, str]:
        return {name: lens.spec.fingerprint for name, lens in self.lenses.items()}


def _given(vectors: Mapping[str, ArrayLike] | None) -> dict[str, ArrayLike]:
    if vectors is None:
        return {}
    if not isinstance(vectors, Mapping):
        raise UsageError(
            f"vectors is a {type(vectors).__name__}",
            remedy="give one vector per lens name, or use vector=",
        )
    return dict(vectors)
