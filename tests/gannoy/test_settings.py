"""gannoy-db's TOML file in the words of ServeConfig."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from mitame.config import LimitsConfig, ServeConfig
from mitame.errors import UsageError
from mitame.serving.gannoy.settings import KEYS, gannoy_settings

SHIPPED = """
data-dir = "/var/lib/gannoy"
log-dir = "/var/log/gannoy"
lock-dir = "/var/run/gannoy"
server-starter = true
"""


def test_the_shipped_file() -> None:
    """The file that gannoy's package installed; the port is gannoy's."""
    assert gannoy_settings(tomllib.loads(SHIPPED)) == {
        "gannoy": True,
        "port": 1323,
        "data": Path("/var/lib/gannoy"),
        "access_log": str(Path("/var/log/gannoy/gannoy-db.log")),
    }


def test_nothing() -> None:
    """An empty file is gannoy at its port."""
    assert gannoy_settings({}) == {"gannoy": True, "port": 1323}


def test_times_and_bounds_of_both_gannoys() -> None:
    """The earlier one's timeout was that of the shutdown, the later one's that of a request."""
    early = gannoy_settings({"timeout": 10, "max-connections": 100})
    assert (early["grace_seconds"], early["limits"]) == (10, {"connections": 100})
    late = gannoy_settings({"timeout": 30, "shutdown-timeout": 60, "thread": 3})
    assert (late["grace_seconds"], late["threads"]) == (60, 3)
    assert late["limits"] == {"answer_seconds": 30}
    assert gannoy_settings({"shutdown-timeout": 5})["grace_seconds"] == 5


def test_other_keys_are_handed_on() -> None:
    """Whoever reads the rest of the file refuses what is unknown; the plainer word counts."""
    found = gannoy_settings(
        {"port": 80, "nonsense": 1, "max-connections": 9, "limits": {"connections": 7, "x": 1}}
    )
    assert (found["port"], found["nonsense"]) == (80, 1)
    assert found["limits"] == {"connections": 7, "x": 1}


def test_every_field_is_one_of_the_configuration() -> None:
    """What comes out can be put into ServeConfig and LimitsConfig."""
    table: dict[str, object] = dict.fromkeys(KEYS, 5)
    table |= {"data-dir": "d", "log-dir": "l", "lock-dir": "k", "server-starter": False}
    found = gannoy_settings(table)
    assert set(found) <= {each.name for each in fields(ServeConfig)}
    limits = found["limits"]
    assert isinstance(limits, dict)
    assert set(limits) <= {each.name for each in fields(LimitsConfig)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"data-dir": 5},
        {"log-dir": ["x"]},
        {"timeout": "10"},
        {"timeout": 0},
        {"timeout": True},
        {"timeout": 1.5},
        {"max-connections": -1},
        {"max-connections": 10**5_000},
        {"server-starter": "yes"},
        {"limits": 5},
    ],
)
def test_wrong_values(wrong: dict[str, object]) -> None:
    """Refused by the key's name, with what to write."""
    with pytest.raises(UsageError) as raised:
        gannoy_settings(wrong)
    assert next(iter(wrong)) in raised.value.message
    assert raised.value.remedy
