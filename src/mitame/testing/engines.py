"""What every engine must do, as a test class to inherit from.

    class TestMine(EngineConformance):
        def make(self) -> Engine:
            return MyEngine()

Needs a test runner that collects methods named ``test_...``; uses nothing of it. The laws stand in
files of their own: `engine_answers`, `engine_filters`, `engine_parts`, `engine_damage`,
`engine_extending`, `engine_settings` and `engine_threads`.
"""

from __future__ import annotations

from mitame.testing.engine_answers import AnswerLaws
from mitame.testing.engine_extending import ExtendLaws
from mitame.testing.engine_filters import FilterLaws
from mitame.testing.engine_settings import SettingLaws
from mitame.testing.engine_threads import ThreadLaws
from mitame.testing.engine_truth import brute_force

__all__ = ["EngineConformance", "brute_force"]


class EngineConformance(AnswerLaws, FilterLaws, ExtendLaws, SettingLaws, ThreadLaws):
    """Laws of `mitame.engines.protocol`, for each distance that the engine declares.

    What a class may set, for an engine that needs it: see `mitame.testing.engine_case.EngineCase`.
    """
