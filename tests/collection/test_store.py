"""Writing: what each change does, that it is whole, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.collection import (
    Change,
    Item,
    ItemImage,
    Patch,
    Put,
    Relocate,
    Remove,
    Store,
    open_store,
)
from mitame.distances import normalise
from mitame.errors import (
    InvalidId,
    InvalidVector,
    ItemExists,
    ItemNotFound,
    MitameError,
    SpecMismatch,
    UnknownLens,
    UsageError,
)
from tests.collection.made import COLOR, LOOK, image, noise, put, vector


def _item(store: Store, item_id: str) -> Item | None:
    with store.pin() as view:
        return view.get(item_id)


def test_a_new_collection_is_empty_and_whole(store: Store) -> None:
    """Position 0, no items, both lenses in order."""
    with store.pin() as view:
        assert (view.position, view.count()) == (0, 0)
        assert list(view.lenses) == ["look", "color"]
        assert view.index("look").rows == 0
    assert store.check() == []


def test_put_keeps_every_field(store: Store) -> None:
    """All that an item says comes back, in the same form, after reopening too."""
    attributes = {"price": 5, "ratio": 0.1, "ok": True, "none": None, "tags": ["a", "b"], "s": "5"}
    images = (image(1), image(2), ItemImage({"color": vector(1, 2, 3)}))
    change = put("käse/1", *images, category="mug", attributes=attributes)
    store.append([change])
    with open_store(store.path) as again, again.pin() as view:
        found = view.get("käse/1")
        assert found is not None
        assert (found.category, found.attributes) == ("mug", attributes)
        assert list(map(repr, found.attributes.values())) == list(map(repr, attributes.values()))
        assert [i.content_hash for i in found.images] == [f"{1:064x}", f"{2:064x}", None]
        assert found.images[0] == ItemImage(
            {}, f"{1:064x}", "/pictures/1.jpg", 1, 10**9, 64, 48, "JPEG"
        )
        np.testing.assert_array_equal(view.vectors("käse/1", "look"), [noise(1), noise(2)])
        np.testing.assert_array_equal(view.vectors("käse/1", "color"), [[1, 2, 3]])


def test_positions_grow_by_one_for_each_change(store: Store) -> None:
    """An append answers the position after its last change; an empty one, the same as before."""
    assert store.append([put("a"), put("b")]) == 2
    assert store.append([]) == 2
    assert store.append([Remove("a")]) == 3
    assert store.append([put("a")]) == 4


def test_cosine_vectors_are_normalised_others_are_not(store: Store) -> None:
    """What is stored is what the lens compares."""
    both = ItemImage({"look": vector(3, 0, 4, 0), "color": vector(3, 0, 4)})
    store.append([put("a", both), put("zero", ItemImage({"look": vector(0, 0, 0, 0)}))])
    with store.pin() as view:
        assert view.vectors("a", "look").tolist() == normalise(vector(3, 0, 4, 0)[None]).tolist()
        assert view.vectors("a", "color").tolist() == [[3, 0, 4]]
        assert view.vectors("zero", "look").tolist() == [[0, 0, 0, 0]]
    assert store.check() == []


def test_put_replaces_the_whole_item(store: Store) -> None:
    """Category, attributes and images of before are gone; its rows are dead."""
    store.append([put("a", image(1), image(2), category="x", attributes={"p": 1})])
    store.append([put("a", image(3))])
    found = _item(store, "a")
    assert found is not None
    assert (found.category, found.attributes, len(found.images)) == (None, {}, 1)
    with store.pin() as view:
        allow = view.allow("look")
        assert allow is not None
        assert allow.tolist() == [False, False, True]
        assert view.owners("look").tolist()[:2] == [-1, -1]
        assert view.by_hash(f"{1:064x}") == []


def test_create_only_leaves_what_is_there(store: Store) -> None:
    """A second create is refused and changes nothing."""
    store.append([put("a", category="first", create_only=True)])
    with pytest.raises(ItemExists, match="'a'"):
        store.append([put("b"), put("a", category="second", create_only=True)])
    found = _item(store, "a")
    assert found is not None
    assert found.category == "first"
    assert _item(store, "b") is None


def test_patch_changes_only_what_it_names(store: Store) -> None:
    """Category to None is a change, keeping is not; images and vectors stay."""
    store.append([put("a", category="x", attributes={"p": 1})])
    store.append([Patch("a", category=None)])
    found = _item(store, "a")
    assert found is not None
    assert (found.category, found.attributes) == (None, {"p": 1})
    store.append([Patch("a", attributes={"q": 2})])
    found = _item(store, "a")
    assert found is not None
    assert (found.category, found.attributes, len(found.images)) == (None, {"q": 2}, 1)
    with store.pin() as view:
        assert view.allow("look") is None  # every row is still live


def test_remove_takes_the_item_out(store: Store) -> None:
    """Gone from every way of asking; its id may be used again."""
    store.append([put("a", category="x"), put("b")])
    store.append([Remove("a")])
    with store.pin() as view:
        assert view.get("a") is None
        assert [item.id for item in view.items()] == ["b"]
        assert [record.id for record in view.sources()] == ["b"]
        assert view.categories() == {None: 1}
        assert view.owners("look").tolist()[0] == -1
    store.append([put("a", image(9))])
    assert _item(store, "a") is not None
    assert store.check() == []


def test_relocate_keeps_the_vectors(store: Store) -> None:
    """A moved picture has a new id and source; its row is the same."""
    store.append([put("a", image(1), category="x")])
    with store.pin() as view:
        owners = view.owners("look").tolist()
    store.append([Relocate("a", "b", "/new.jpg", 7, 8)])
    with store.pin() as view:
        assert view.get("a") is None
        found = view.get("b")
        assert found is not None
        assert found.category == "x"
        assert found.images[0].source == "/new.jpg"
        assert (found.images[0].size, found.images[0].modified_ns) == (7, 8)
        assert found.images[0].content_hash == f"{1:064x}"
        assert view.owners("look").tolist() == owners


def test_relocate_finds_the_image_by_its_hash(store: Store) -> None:
    """Of several images only the one that is meant; none meant is refused."""
    store.append([put("a", image(1), image(2))])
    store.append([Relocate("a", "a", "/new.jpg", content_hash=f"{2:064x}")])
    with store.pin() as view:
        assert [r.source for r in view.sources()] == ["/new.jpg", "/pictures/1.jpg"]
    for content_hash in (None, "0" * 64):
        with pytest.raises(UsageError, match="no one image"):
            store.append([Relocate("a", "a", "/x.jpg", content_hash=content_hash)])


def test_relocate_over_another_item_is_refused(store: Store) -> None:
    """Nothing is overwritten by a move."""
    store.append([put("a"), put("b")])
    with pytest.raises(ItemExists):
        store.append([Relocate("a", "b", "/x.jpg")])


@pytest.mark.parametrize("change", [Patch("x"), Remove("x"), Relocate("x", "y", "/z")])
def test_changes_to_no_item_are_refused(store: Store, change: Change) -> None:
    """ItemNotFound names the id."""
    with pytest.raises(ItemNotFound, match="'x'"):
        store.append([change])


def _with(**fields: object) -> Put:
    return Put(Item(**{"id": "a", "images": (image(1),), **fields}))  # type: ignore[arg-type]  # wrong on purpose


WRONG: list[tuple[Change, type[MitameError]]] = [
    (_with(id=""), InvalidId),
    (_with(id="a\n"), InvalidId),
    (_with(id="\ud800"), InvalidId),
    (_with(id=None), InvalidId),
    (_with(images=()), UsageError),
    (_with(images=(ItemImage(),)), UsageError),
    (_with(images=(image(1),) * 1001), UsageError),
    (_with(images=(ItemImage({"taste": vector(1)}),)), UnknownLens),
    (_with(images=(ItemImage({"look": vector(1, 2)}),)), InvalidVector),
    (_with(images=(ItemImage({"look": vector(1, 2, 3, np.nan)}),)), InvalidVector),
    (_with(images=(ItemImage({"look": vector(1, 2, 3, np.inf)}),)), InvalidVector),
    (_with(images=(ItemImage({"look": noise(1)[None]}),)), InvalidVector),
    (_with(images=(ItemImage({"look": noise(1)}, size=2**63),)), UsageError),
    (_with(images=(ItemImage({"look": noise(1)}, content_hash="\udfff"),)), UsageError),
    (_with(images=(ItemImage({"look": noise(1)}, source="x" * 9000),)), UsageError),
    (_with(category=""), UsageError),
    (_with(category="\ud800"), UsageError),
    (_with(category="x" * 1001), UsageError),
    (_with(category=5), UsageError),
    (_with(attributes={"a": float("nan")}), UsageError),
    (_with(attributes={"a": {}}), UsageError),
    (_with(attributes={"a": 10**5000}), UsageError),
    (_with(attributes={"a": "x" * 300_000}), UsageError),
    (Put(Item("a", images=(image(1),)), fingerprints={"look": "other"}), SpecMismatch),
    (Put(Item("a", images=(image(1),)), fingerprints={"taste": "x"}), UnknownLens),
    (Patch("b", category="\ud800"), UsageError),
    (Patch("b", attributes={"": 1}), UsageError),
    (Remove(""), InvalidId),
    (Relocate("b", "", "/x"), InvalidId),
    (Relocate("b", "c", ""), UsageError),
    (Relocate("b", "c", "/x", size=2**64), UsageError),
]


@pytest.mark.parametrize(("change", "error"), WRONG)
def test_what_is_wrong_is_refused_whole(
    store: Store, change: Change, error: type[MitameError]
) -> None:
    """The typed error, and nothing of the batch is kept, the good changes before it neither."""
    store.append([put("b", category="kept")])
    with pytest.raises(error):
        store.append([put("new"), Remove("b"), change])
    with store.pin() as view:
        assert view.position == 1
        assert [item.category for item in view.items()] == ["kept"]
    assert store.check() == []


def test_vectors_of_the_lens_s_own_spec_are_taken(store: Store) -> None:
    """A fingerprint that fits is no obstacle."""
    fingerprints = {"look": LOOK.spec.fingerprint, "color": COLOR.spec.fingerprint}
    assert store.append([Put(Item("a", images=(image(1),)), fingerprints=fingerprints)]) == 1


def test_names_that_are_not_utf8_come_back(store: Store) -> None:
    """A source with the odd bytes of an old file name, or any half character."""
    odd = ["/caf\udce9.jpg", "/\ud800.jpg", "/中文 \U0001f600.jpg"]
    images = [ItemImage({"look": noise(i)}, source=name) for i, name in enumerate(odd)]
    store.append([put("a", *images)])
    with store.pin() as view:
        assert sorted(r.source or "" for r in view.sources()) == sorted(odd)
        assert [r.source for r in view.sources("/caf\udce9")] == [odd[0]]


def test_a_closed_store_says_so(store: Store) -> None:
    """Neither reading nor writing; closing twice is fine."""
    store.close()
    store.close()
    with pytest.raises(UsageError, match="closed"):
        store.append([put("a")])
    with pytest.raises(UsageError, match="closed"), store.pin():
        pass


def test_a_view_is_over_after_its_block(store: Store) -> None:
    """It does not read some other moment by accident; nor does an iterator begun in it."""
    store.append([put("a")])
    with store.pin() as view:
        items = view.items()
    with pytest.raises(UsageError, match="ended"):
        view.count()
    with pytest.raises(UsageError, match="ended"):
        next(items)
