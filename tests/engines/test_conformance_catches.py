"""The shipped suite finds what it is there to find: each broken engine fails the law it breaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mitame.engines.protocol import Abilities, Engine, Index
from mitame.errors import UsageError
from mitame.testing.engines import EngineConformance
from tests.engines.toy_engine import ToyEngine, ToyIndex

BROKEN = [
    ("answers less", "test_form_and_distances"),
    ("answers far first", "test_form_and_distances"),
    ("answers float64", "test_form_and_distances"),
    ("answers int32", "test_form_and_distances"),
    ("rounds distances", "test_form_and_distances"),
    ("breaks ties by chance", "test_form_and_distances"),
    ("answers one twice", "test_form_and_distances"),
    ("pads with 0", "test_k_beyond_the_rows_is_padded"),
    ("pads with 0", "test_no_rows"),
    ("has effort upside down", "test_recall_over_many_rows"),
    ("takes NaN", "test_refuses_what_is_no_number"),
    ("takes any query", "test_refuses_other_dimensions"),
    ("takes any query", "test_refuses_what_is_no_number"),
    ("changes queries", "test_read_only_inputs_stay_as_they_are"),
    ("filters afterwards", "test_filters_at_any_share"),
    ("filters afterwards", "test_filters_that_go_with_the_data"),
    ("ignores filters", "test_filters_at_any_share"),
    ("takes any setting", "test_refuses_unknown_settings"),
    ("remembers effort", "test_same_question_same_answer"),
    ("has no seed", "test_same_seed_same_index"),
    ("offers nonsense", "test_candidates_can_be_built"),
    ("saves float64", "test_parts_can_be_stored"),
    ("names parts badly", "test_parts_can_be_stored"),
    ("opens another", "test_opened_is_the_same"),
    ("copies parts", "test_opening_reads_little_of_the_parts"),
    ("trusts parts", "test_extreme_numbers"),
    ("trusts parts", "test_other_forms"),
    ("trusts parts", "test_parts_of_another_index"),
    ("shares a buffer", "test_threads"),
    ("loses what came", "test_extended_finds_what_came_and_what_stayed"),
    ("numbers as before", "test_extended_finds_what_came_and_what_stayed"),
    ("changes older parts", "test_extended_changes_none_of_its_arguments"),
    ("saves what it extended", "test_extended_is_saved_and_opened"),
    ("loses what came", "test_extended_where_nothing_is_left_or_nothing_came"),
    ("extends by chance", "test_extended_alike"),
    ("extends any numbers", "test_extended_from_damage"),
    ("trusts parts", "test_extended_from_damage"),
]


class Toy(EngineConformance):
    """The suite over a toy with a fault; not collected under this name."""

    MANY = 2_500
    MAPPED = 100_000
    RECALL_DEFAULT = 0.5
    fault = ""

    def make(self) -> Engine:
        """The toy."""
        return ToyEngine(self.fault)


class TestHealthyToy(Toy):
    """Without a fault every law is kept: none is impossible."""


@pytest.mark.parametrize(("fault", "law"), BROKEN)
def test_fault_is_caught(fault: str, law: str) -> None:
    """The law that the fault breaks fails, by an assertion or by what the engine raises."""
    case = type("Case", (Toy,), {"fault": fault})()
    with pytest.raises((AssertionError, ValueError, LookupError, TypeError, UsageError)):
        getattr(case, law)()


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux says which pages were touched")
def test_reading_a_mapped_part_whole_is_caught() -> None:
    """Also where nothing is copied: the pages that were touched are counted."""
    test_fault_is_caught("reads parts", "test_opening_reads_little_of_the_parts")


class _Selfish(ToyIndex):
    """Searches in Python code that never gives the interpreter away."""

    def search(self, *arguments: object, **more: object) -> Any:
        """Counts for a while."""
        sum(range(20_000))


class _DeclaresNothing(Toy):
    """A toy that declares no ability: without filters, seed, mapping, a free lock, extending."""

    def make(self) -> Engine:
        abilities = Abilities(
            exact=False,
            distances=frozenset({"cosine"}),
            filters=False,
            seeded=False,
            releases_gil=False,
        )
        return ToyEngine(self.fault, abilities=abilities)


def test_holding_the_interpreter_is_caught() -> None:
    """An engine that says it releases the lock, and keeps it through a search."""

    class Case(Toy):
        def large(self, engine: Engine, distance: Any) -> Index:
            return _Selfish(np.zeros((3, 2), np.float32), distance, np.arange(3), "")

    with pytest.raises(AssertionError):
        Case().test_other_threads_run_meanwhile()


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        ("ignores filters", "test_filters_at_any_share"),
        ("filters afterwards", "test_filters_that_go_with_the_data"),
        ("has no seed", "test_same_seed_same_index"),
        ("copies parts", "test_opening_reads_little_of_the_parts"),
        ("loses what came", "test_extended_finds_what_came_and_what_stayed"),
    ],
)
def test_what_is_not_declared_is_not_asked(fault: str, law: str) -> None:
    """The same faults, where the engine doesn't say that it can do it."""
    case = type("Case", (_DeclaresNothing,), {"fault": fault})()
    getattr(case, law)()


def test_a_lock_that_is_not_declared_released_may_be_held() -> None:
    """An engine that keeps the interpreter and says so."""

    class Case(_DeclaresNothing):
        def large(self, engine: Engine, distance: Any) -> Index:
            return _Selfish(np.zeros((3, 2), np.float32), distance, np.arange(3), "")

    Case().test_other_threads_run_meanwhile()
