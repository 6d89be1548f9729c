"""Reading: a pinned moment does not change, and every way of asking agrees."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mitame.collection import (
    Attribute,
    ItemImage,
    Patch,
    Relocate,
    Remove,
    Store,
    View,
    create,
    open_store,
)
from mitame.errors import InvalidId, UnknownLens
from mitame.filters import Filter, Match, Range, Scalar, parse
from tests.collection.made import LOOK, image, noise, put, vector


def _everything(view: View, where: Filter) -> tuple[object, ...]:
    """All that can be asked of a view, as plain values."""
    return (
        view.position,
        view.count(),
        view.count(where),
        view.categories(),
        list(view.items()),
        list(view.items(where)),
        list(view.sources()),
        view.owners("look").tolist(),
        np.asarray(view.allow("look", where)).tolist(),
        [view.vectors(item.id, "look").tolist() for item in view.items()],
        view.index("look").search(noise(1)[None], 4, allow=view.allow("look")).ids.tolist(),
    )


def test_a_pinned_view_never_changes(store: Store) -> None:
    """Whatever is written meanwhile, by this store and by another, asked early or late."""
    store.append([put(name, category="x", attributes={"n": i}) for i, name in enumerate("abcd")])
    where = parse("n>=1,category=x")
    with store.pin() as early, store.pin() as late, open_store(store.path) as other:
        before = _everything(early, where)
        store.append([put("a", image(7)), Remove("b"), put("e", category="x")])
        other.append([Patch("c", category="y"), Relocate("d", "z", "/moved"), put("f")])
        assert _everything(early, where) == before
        with store.pin() as new:
            assert _everything(new, where) != before
            assert [item.id for item in new.items()] == ["a", "c", "e", "f", "z"]
            assert _everything(late, where) == before
            assert _everything(early, where) == before


def test_many_moments_at_once(store: Store) -> None:
    """More old views than the store keeps versions for: each sees its own moment still."""
    with store.pin() as first:
        views = [first]
        pins = []
        for n in range(8):
            store.append([put(f"i{n}", attributes={"n": n}), *([Remove(f"i{n - 1}")] if n else [])])
            pins.append(store.pin())
            views.append(pins[-1].__enter__())
        order = [8, 0, 4, 1, 7, 2, 3, 6, 5]
        counts = {n: views[n].count(parse("n>=0")) for n in order}
        rows = {n: np.flatnonzero(views[n].owners("look") >= 0).tolist() for n in order}
        for pin in pins:
            pin.__exit__(None, None, None)
    assert counts == {0: 0} | dict.fromkeys(range(1, 9), 1)
    assert rows == {0: []} | {n: [n - 1] for n in range(1, 9)}


def test_owners_that_a_view_holds_are_not_written_to(store: Store) -> None:
    """Moments that share memory: later deaths, and moments asked out of order, don't show."""
    store.append([put(f"i{n}", image(n)) for n in range(10)])
    with store.pin() as view:
        view.owners("look")  # makes room for just these, so that the next one has some to spare
    store.append([put("x", image(20))])
    with store.pin() as first:
        before = first.owners("look").tolist()
        store.append([put("y", image(21))])
        with store.pin() as second:
            store.append([Remove("y")])
            with store.pin() as third:
                held = third.owners("look")
                assert held.tolist() == [*before, -1]
                assert second.owners("look").tolist() == [*before, max(before) + 1]
                assert held.tolist() == [*before, -1]
        store.append([Remove("i5")])
        with store.pin() as fourth:
            assert fourth.owners("look").tolist() == [*before[:5], -1, *before[6:], -1]
        assert held.tolist() == [*before, -1]
        assert first.owners("look").tolist() == before


def test_items_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order of id, from past an id, at most so many, under a filter; over pages' ends."""
    monkeypatch.setattr("mitame.collection.listing._PAGE", 3)
    ids = [f"i{n:02}" for n in range(11)]
    store.append([put(name, attributes={"n": n % 2}) for n, name in enumerate(reversed(ids))])
    odd, missing = parse("n=1"), parse("m=1")
    with store.pin() as view:
        assert [item.id for item in view.items()] == ids
        assert [item.id for item in view.items(after="i04", limit=4)] == ids[5:9]
        assert [item.id for item in view.items(odd)] == ids[1::2]
        assert [item.id for item in view.items(odd, after="i03", limit=2)] == ["i05", "i07"]
        assert list(view.items(missing)) == list(view.items(limit=0)) == []
        with pytest.raises(InvalidId):
            list(view.items(after="\ud800"))


def test_sources_by_prefix(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what begins so, letter by letter: no wildcard has a meaning."""
    monkeypatch.setattr("mitame.collection.listing._PAGE", 2)
    names = ["/a/1", "/a/2", "/a/2", "/a%", "/a_/3", "/b", "/a/\xff", "/a/\U0010ffff", "/"]
    store.append(
        [put(f"i{n}", ItemImage({"look": noise(n)}, source=name)) for n, name in enumerate(names)]
    )
    store.append([put("bare", ItemImage({"look": noise(50)}))])
    with store.pin() as view:
        for prefix in ("", "/", "/a", "/a/", "/a/2", "/a%", "/a_", "/a/\xff", "/a/\U0010ffff", "x"):
            found = [record.source for record in view.sources(prefix)]
            assert found == sorted(name for name in names if name.startswith(prefix)), prefix


def test_by_hash_finds_all_images_with_the_bytes(store: Store) -> None:
    """In several items, by id; none for another hash, however odd."""
    store.append([put("b", image(1)), put("a", image(2), image(1)), put("c", image(3))])
    with store.pin() as view:
        assert [(r.id, r.source) for r in view.by_hash(f"{1:064x}")] == [
            ("a", "/pictures/1.jpg"),
            ("b", "/pictures/1.jpg"),
        ]
        assert view.by_hash("0") == view.by_hash("\ud800") == []


def test_records_belong_to_their_rows(store: Store) -> None:
    """Item and image of each row, in the order asked."""
    store.append([put("a", image(1), image(2), category="x"), put("b", image(3))])
    with store.pin() as view:
        records = view.records("look", [2, 0, 1])
        assert [(r.row, r.id, r.category, r.image.size) for r in records] == [
            (2, "b", None, 3),
            (0, "a", "x", 1),
            (1, "a", "x", 2),
        ]
        assert view.keys(["a", "nobody", "b"]).keys() == {"a", "b"}


def test_unknown_lens(store: Store) -> None:
    """By whichever way it is asked."""
    store.append([put("a")])
    with store.pin() as view:
        for ask in (view.index, view.owners, view.allow, lambda n: view.vectors("a", n)):
            with pytest.raises(UnknownLens, match="taste"):
                ask("taste")


def test_a_lens_that_an_item_lacks(store: Store) -> None:
    """No vectors, and no row of its own."""
    store.append([put("a"), put("b", ItemImage({"color": vector(1, 2, 3)}))])
    with store.pin() as view:
        assert view.vectors("b", "look").shape == (0, 4)
        assert view.vectors("nobody", "look").shape == (0, 4)
        assert view.owners("color").tolist() == list(view.keys(["b"]).values())


VALUES: st.SearchStrategy[Attribute] = st.one_of(
    st.sampled_from([0, 1, 1.0, -0.0, True, False, None, "1", "true", "", 2**53, 2**53 + 1, 0.5]),
    st.integers(-3, 3),
    st.lists(st.sampled_from(["a", "b", "1", ""]), max_size=2),
    st.text(max_size=2),
)
ITEMS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(
        st.sampled_from([None, "a", "b"]),
        st.dictionaries(st.sampled_from(["p", "q", "category"]), VALUES, max_size=3),
    ),
    max_size=6,
)
ASKED: st.SearchStrategy[Scalar] = st.one_of(
    st.sampled_from([0, 1, 1.0, True, False, None, "1", "a", "", 2**53, 2**53 + 1, 2.0**53]),
    st.floats(-3, 3),
)
BOUND = st.one_of(st.sampled_from([0, 1, 0.5, "a", "", 2**53, 2**53 + 1]), st.floats(-3, 3))
BOUNDS = st.lists(st.tuples(st.sampled_from(["lt", "lte", "gt", "gte"]), BOUND), min_size=1)
KEYS = st.sampled_from(["p", "q", "r", "category"])
CONDITIONS = st.one_of(
    st.builds(Match, KEYS, st.lists(ASKED, min_size=1, max_size=2).map(tuple)),
    st.builds(Range, KEYS, BOUNDS.map(tuple)),
)
FILTERS = st.builds(
    Filter, st.lists(CONDITIONS, max_size=2).map(tuple), st.lists(CONDITIONS, max_size=2).map(tuple)
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(ITEMS, FILTERS, FILTERS), min_size=1, max_size=4))
def test_columns_mean_what_matches_means(
    store: Store,
    steps: list[tuple[dict[str, tuple[str | None, dict[str, Attribute]]], Filter, Filter]],
) -> None:
    """Law: count, items and allow give what `Filter.matches` gives, while items come and go."""
    for items, *filters in steps:
        with store.pin() as view:
            gone = [Remove(item.id) for item in view.items() if item.id not in items]
        store.append([*gone, *(put(i, category=c, attributes=a) for i, (c, a) in items.items())])
        with store.pin() as view:
            for where in filters:
                expected = [i for i, (c, a) in sorted(items.items()) if where.matches(c, a)]
                assert [item.id for item in view.items(where)] == expected
                assert view.count(where) == len(expected)
                allow = view.allow("look", where)
                assert allow is not None
                owners = view.owners("look")[allow].tolist()
                assert sorted(owners) == sorted(view.keys(expected).values())


def test_columns_follow_what_is_taken_away(store: Store) -> None:
    """An attribute that an item had when the column was made, and has no more."""
    store.append([put("a", attributes={"n": 1}, category="x"), put("b", attributes={"n": 1})])
    has, lacks, category = parse("n=1"), parse("n!=1"), parse("category=x")
    with store.pin() as view:
        assert (view.count(has), view.count(lacks), view.count(category)) == (2, 0, 1)
    store.append([Patch("a", None, {}), Remove("b")])
    with store.pin() as view:
        assert (view.count(has), view.count(lacks), view.count(category)) == (0, 1, 0)


def test_many_changes_make_columns_anew(tmp_path: Path) -> None:
    """Past a share of changes columns are read whole instead of followed: the same answer."""
    with create(tmp_path / "shop", [LOOK]) as store:
        for start in (0, 1500, 3000):
            numbers = range(start, start + 1500)
            store.append([put(f"i{n}", image(n % 50), attributes={"n": n}) for n in numbers])
            store.append([Remove(f"i{n}") for n in numbers if n % 3 == 0])
            with store.pin() as view:
                assert view.count(parse("n>=0")) == (start + 1500) * 2 // 3
                assert view.count(parse("n<30")) == 20


def test_more_columns_than_are_kept(store: Store) -> None:
    """Columns that were dropped are made again when asked for."""
    store.append([put("a", attributes={f"k{n}": n for n in range(90)})])
    with store.pin() as view:
        for n in [*range(90), 0, 1]:
            assert view.count(parse(f"k{n}={n}")) == 1
            assert view.count(parse(f"k{n}!={n}")) == 0
    wide = ",".join(f"k{n}={n}" for n in range(90))
    store.append([put("b")])
    with store.pin() as view:
        assert [item.id for item in view.items(parse(wide))] == ["a"]


def test_threads_read_while_others_write(store: Store) -> None:
    """Readers see whole batches only, and never an error, while two threads write."""
    batches = 40
    wrong: list[object] = []
    done = threading.Event()

    def write(name: str) -> None:
        for n in range(batches):
            pair = [put(f"{name}-{half}", image(n), attributes={"n": n}) for half in "ab"]
            store.append([*pair, put(f"{name}-{n}", category=name)])

    def read() -> None:
        last = 0
        while not done.is_set():
            with store.pin() as view:
                items = {item.id: item for item in view.items()}
                for name in ("x", "y"):
                    halves = {
                        str(items[i].attributes) for i in items if i in (f"{name}-a", f"{name}-b")
                    }
                    kept = view.count(parse(f"category={name}"))
                    if len(halves) > 1 or kept != sum(i.category == name for i in items.values()):
                        wrong.append((name, halves, kept))
                live = view.allow("look")
                rows = view.index("look").rows if live is None else int(live.sum())
                if rows != len(items) or view.position < last or view.position % 3:
                    wrong.append(("rows", rows, len(items)))
                last = view.position

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(name,)) for name in ("x", "y")]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert not wrong
    with store.pin() as view:
        assert view.position == 2 * batches * 3
        assert view.count() == 2 * (batches + 2)
    assert store.check() == []
