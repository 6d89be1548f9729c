"""Lenses that come, change places and go: how a collection gets another embedder."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.collection import (
    Attach,
    Change,
    Item,
    ItemImage,
    Lens,
    MissingImage,
    Put,
    Remove,
    Store,
    open_store,
)
from mitame.errors import (
    InvalidVector,
    ItemNotFound,
    MitameError,
    SpecMismatch,
    UnknownLens,
    UsageError,
)
from mitame.search import Query, search
from tests.collection.made import LOOK, image, noise, put, spec

NEW = Lens("new", spec(5, name="made-new"))


def _attach(item_id: str, seed: int, lens: str = "new", dimension: int = 5) -> Attach:
    return Attach(item_id, f"{seed:064x}", {lens: noise(seed, dimension)})


def test_a_change_of_the_embedder(store: Store) -> None:
    """Added, filled beside the old one, both asked, switched, switched back; items stay."""
    store.append([put(f"i{n}", image(n)) for n in range(4)])
    assert store.add_lens(NEW) == 5
    store.append([_attach(f"i{n}", n) for n in range(4)])
    with store.pin() as view:
        assert list(view.lenses) == ["look", "color", "new"]
        for lens, dimension in (("look", 4), ("new", 5)):
            query = Query(lens, noise(2, dimension)[np.newaxis], 1)
            assert search(view, query).neighbors[0].id == "i2"
        items = list(view.items())
    assert store.swap_lenses("look", "new") == 10
    with store.pin() as view:
        assert [(n, x.spec.dimension) for n, x in view.lenses.items()] == [
            ("look", 5),
            ("color", 3),
            ("new", 4),
        ]
        assert view.vectors("i2", "look").tolist() == [noise(2, 5).tolist()]
        assert view.vectors("i2", "new").tolist() == [noise(2).tolist()]
        assert list(view.items()) == items
    store.swap_lenses("new", "look")
    with store.pin() as view:
        assert view.vectors("i2", "look").tolist() == [noise(2).tolist()]
    assert store.lenses["look"] == LOOK
    assert store.check() == []


@pytest.mark.parametrize("merged", [False, True])
def test_missing_images_by_page(store: Store, merged: bool) -> None:
    """Those without a vector of a lens, by item and ordinal; fewer as they are attached."""
    bare = ItemImage({"color": noise(9, 3)})
    store.append([put("b", image(1), image(2), bare), put("a", image(3))])
    store.add_lens(NEW)
    if merged:
        store.merge()
    store.append([_attach("b", 1)])
    with store.pin() as view:
        found = view.missing("new")
        assert found == [
            MissingImage("a", 0, "/pictures/3.jpg", f"{3:064x}"),
            MissingImage("b", 1, "/pictures/2.jpg", f"{2:064x}"),
            MissingImage("b", 2, None, None),
        ]
        assert view.missing("new", limit=1) == found[:1]
        assert view.missing("new", after=("a", 0)) == found[1:]
        assert view.missing("new", after=("b", 1), limit=5) == found[2:]
        assert view.missing("new", after=("b", 2)) == []
        assert [view.count_missing(lens) for lens in view.lenses] == [1, 3, 3]
        with pytest.raises(UnknownLens):
            view.missing("taste")


def test_attach_replaces_the_vectors_of_one_lens(store: Store) -> None:
    """Of all images with these bytes, and of no other; nothing else of the item changes."""
    store.append([put("a", image(1), image(2), image(1), category="x"), put("b", image(3))])
    with store.pin() as view:
        before = list(view.items())
    store.append([Attach("a", f"{1:064x}", {"look": noise(50), "color": noise(51, 3)})])
    store.append([Attach("b", None, {"look": noise(52)})])
    with store.pin() as view:
        assert list(view.items()) == before
        look = [noise(50).tolist(), noise(2).tolist(), noise(50).tolist()]
        assert view.vectors("a", "look").tolist() == look
        assert view.vectors("a", "color").tolist() == [noise(51, 3).tolist()] * 2
        assert view.vectors("b", "look").tolist() == [noise(52).tolist()]
    assert store.check() == []


WRONG: list[tuple[Attach, type[MitameError]]] = [
    (Attach("x", None, {"look": noise(1)}), ItemNotFound),
    (Attach("a", None, {"look": noise(1)}), UsageError),
    (Attach("a", "0" * 64, {"look": noise(1)}), UsageError),
    (Attach("a", f"{1:064x}", {}), UsageError),
    (Attach("a", f"{1:064x}", {"taste": noise(1)}), UnknownLens),
    (Attach("a", f"{1:064x}", {"look": noise(1, 3)}), InvalidVector),
    (Attach("a", f"{1:064x}", {"look": noise(1)}, {"look": "other"}), SpecMismatch),
]


@pytest.mark.parametrize(("change", "error"), WRONG)
def test_attaching_what_does_not_fit(
    store: Store, change: Attach, error: type[MitameError]
) -> None:
    """The typed error, and nothing of the batch is kept."""
    store.append([put("a", image(1), image(2))])
    with pytest.raises(error):
        store.append([put("b"), change])
    with store.pin() as view:
        assert view.position == 1
        assert view.count() == 1


def test_another_process_s_lenses_are_known_at_the_next_use(store: Store) -> None:
    """A write that was checked against the old names is checked again; a view keeps its own."""
    store.append([put("a", image(1))])
    with open_store(store.path) as other:
        with other.pin() as before:
            store.add_lens(NEW)
            store.append([_attach("a", 1)])
            store.swap_lenses("look", "new")
            assert other.lenses["look"] == LOOK
            assert before.lenses["look"] == LOOK
            assert before.vectors("a", "look").tolist() == [noise(1).tolist()]
        with pytest.raises(InvalidVector):
            other.append([put("b", image(2))])
        assert other.lenses["look"].spec == NEW.spec
        put_5 = Put(Item("b", images=(ItemImage({"look": noise(2, 5)}),)))
        other.append([put_5])
        with other.pin() as view:
            assert view.vectors("b", "look").tolist() == [noise(2, 5).tolist()]
    assert store.check() == []


def test_a_spec_that_changed_places_is_refused(store: Store) -> None:
    """Vectors of the old embedder don't get under the new one's name, even of equal dimension."""
    twin = Lens("new", spec(4, name="made-twin"))
    change: Change = Put(
        Item("a", images=(image(1),)), fingerprints={"look": LOOK.spec.fingerprint}
    )
    with open_store(store.path) as other:
        store.add_lens(twin)
        store.swap_lenses("look", "new")
        with pytest.raises(SpecMismatch):
            other.append([change])


def test_a_lens_that_is_dropped(store: Store, small_files: None) -> None:
    """Its vectors and, after a merge, its files are gone; a view of before has them still."""
    store.append([put(f"i{n}", image(n)) for n in range(4)])
    store.add_lens(NEW)
    store.merge()
    store.append([_attach(f"i{n}", n) for n in range(4)])
    with store.pin() as view:
        assert store.drop_lens("new") == view.position + 1
        store.merge(keep=1)
        assert view.vectors("i3", "new").tolist() == [noise(3, 5).tolist()]
        with store.pin() as after:
            assert list(after.lenses) == ["look", "color"]
            with pytest.raises(UnknownLens):
                after.vectors("i3", "new")
    store.append([Remove("i0")])
    store.merge(keep=1)
    keys = {path.name.split("-")[0] for path in (store.path / "log").iterdir()}
    assert "3" not in keys
    store.add_lens(NEW)
    store.append([_attach("i1", 1)])
    assert store.check() == []
    with store.pin() as view:
        assert view.vectors("i1", "new").tolist() == [noise(1, 5).tolist()]
        assert view.stored["new"].key == 4


def test_an_item_whose_only_lens_was_dropped(store: Store) -> None:
    """It is there still, with no vector, and can be given one."""
    store.append([put("a", image(1)), put("b", ItemImage({"color": noise(2, 3)}))])
    store.drop_lens("look")
    assert store.check() == []
    with store.pin() as view:
        assert view.count() == 2
        assert [m.id for m in view.missing("color")] == ["a"]
    store.append([Attach("a", f"{1:064x}", {"color": noise(1, 3)})])
    assert store.merge() == 1
    assert store.check() == []


def test_what_cannot_be_done_to_lenses(store: Store) -> None:
    """Two of one name, none of a name, the last one; nothing is changed."""
    with pytest.raises(UsageError, match="already"):
        store.add_lens(Lens("look", spec(9)))
    with pytest.raises(UnknownLens):
        store.swap_lenses("look", "taste")
    with pytest.raises(UsageError, match="itself"):
        store.swap_lenses("look", "look")
    with pytest.raises(UnknownLens):
        store.drop_lens("taste")
    store.drop_lens("color")
    with pytest.raises(UsageError, match="last"):
        store.drop_lens("look")
    with store.pin() as view:
        assert (view.position, list(view.lenses)) == (1, ["look"])
