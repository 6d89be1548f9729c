"""The service's configuration: which of file, environment and flags counts, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.config import LimitsConfig, ServeConfig
from mitame.configuring import SETTINGS, Configured, read_configuration, variable_of
from mitame.configuring.settings import RANGES
from mitame.configuring.values import from_text
from mitame.errors import UsageError
from mitame.serving.gannoy.settings import gannoy_settings
from mitame.serving.processes.handing import from_json, to_json

ROOT = Path(__file__).parent.parent


def read(
    flags: Mapping[str, tuple[str, object]] | None = None,
    variables: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Configured:
    return read_configuration(
        flags or {},
        variables or {},
        file=file,
        default_data=lambda: Path("data"),
        gannoy=gannoy_settings,
    )


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mitame.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_those_of_the_dataclass() -> None:
    """Nothing given is the documented default, and each value says so."""
    found = read()
    assert found.config == ServeConfig(Path("data"))
    assert set(found.origins.values()) == {"default"}
    assert set(found.origins) == set(SETTINGS)


def test_flags_count_more_than_the_environment_and_that_more_than_the_file(tmp_path: Path) -> None:
    """Each of them gives way to the next, setting by setting, and each origin is named."""
    file = toml(tmp_path, "port = 1\nworkers = 2\nthreads = 3\n[limits]\nbody_mb = 7\n")
    variables = {"MITAME_SERVE_WORKERS": "4", "MITAME_SERVE_THREADS": "5", "MITAME_DATA": "/d"}
    found = read({"--threads": ("threads", "6")}, variables, file)
    config = found.config
    assert (config.port, config.workers, config.threads) == (1, 4, 6)
    assert (config.limits.body_mb, config.data) == (7, Path("/d"))
    assert found.origins["port"] == found.origins["limits.body_mb"] == str(file)
    assert found.origins["workers"] == "MITAME_SERVE_WORKERS"
    assert (found.origins["threads"], found.origins["data"]) == ("--threads", "MITAME_DATA")


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    """A container needs no flag for it; a flag counts more."""
    file = toml(tmp_path, "port = 9\n")
    assert read(variables={"MITAME_CONFIG": str(file)}).config.port == 9
    other = tmp_path / "other.toml"
    other.write_text("port = 10\n")
    assert read(variables={"MITAME_CONFIG": str(file)}, file=other).config.port == 10


def test_every_kind_can_be_said_in_each_way(tmp_path: Path) -> None:
    """Text, flags, numbers and lists mean the same in the file and in the environment."""
    file = toml(
        tmp_path,
        'host = "::1"\nmerge = false\nfollow_seconds = 2\nmetrics_collections = true\n'
        'cors = ["https://a.example", "http://b.example:81"]\nproxies = ["10.0.0.0/8", "::1"]\n',
    )
    variables = {
        "MITAME_SERVE_HOST": "::1",
        "MITAME_SERVE_MERGE": "No",
        "MITAME_SERVE_FOLLOW_SECONDS": "2.0",
        "MITAME_SERVE_METRICS_COLLECTIONS": "on",
        "MITAME_SERVE_CORS": "https://a.example, http://b.example:81",
        "MITAME_SERVE_PROXIES": "10.0.0.0/8,::1",
    }
    assert read(file=file).config == read(variables=variables).config
    assert read(file=file).config.proxies == ("10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "an unknown key 'prot': did you mean port?"),
        ("[limits]\nbody = 1", "an unknown key 'limits.body': did you mean limits.body_mb?"),
        ("[limit]\nbody_mb = 1", "an unknown key 'limit'"),
        ("follow-seconds = 1", "did you mean follow_seconds?"),
        ("data-dir = 'x'", "an unknown key 'data-dir': say --gannoy"),
        ("port = '80'", "port in {} is '80': write a whole number from 0 to 65,535"),
        ("port = 65536", "port in {} is 65536: write a whole number from 0 to 65,535"),
        ("port = true", "port in {} is True"),
        ("workers = 0", "workers in {} is 0: write a whole number from 1 to 256"),
        ("workers = 1.0", "workers in {} is 1.0"),
        ("grace_seconds = nan", "grace_seconds in {} is nan"),
        ("grace_seconds = inf", "grace_seconds in {} is inf"),
        ("merge = 1", "merge in {} is 1: write true or false"),
        ("cors = 'https://a.example'", "cors in {} is 'https://a.example': write a list of texts"),
        ("cors = ['a.example']", "'a.example' is no origin"),
        ("cors = ['https://a.example/']", "is no origin"),
        ("proxies = ['proxy.local']", "'proxy.local' is no address"),
        ("host = ''", "host in {} is empty"),
        ("collection = '../x'", "can't be the name of a collection"),
        ('data = "a\\u0000b"', "data in {} is"),
        ("remove_unknown = 404", "remove_unknown in {} is 404: write 200 or 422"),
        ("limits = 1", "limits in {} is no table: write it as [limits]"),
        ("port 80", "is no TOML"),
        ("port = 1\nport = 2", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    """One line says which key of which file is wrong, and what to write."""
    file = toml(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read(file=file)
    assert message.replace("{}", str(file)) in caught.value.line()


def test_files_that_are_none(tmp_path: Path) -> None:
    """Missing, a folder, other bytes, endless: one line each."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_bytes(b"#" * 1_000_001)
    (tmp_path / "deep").write_text("x = " + "[" * 200_000)
    for name in ("missing", ".", "bytes", "long", "deep"):
        with pytest.raises(UsageError):
            read(file=tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("MITAME_SERVE_PROT", "1", "unknown variable MITAME_SERVE_PROT: did you mean MITAME_SERVE"),
        ("MITAME_SERVE_CONFIG", "x.toml", "did you mean MITAME_CONFIG?"),
        ("MITAME_SERVE_PORT", "tcp://10.0.0.1:80", "MITAME_SERVE_PORT is 'tcp://10.0.0.1:80'"),
        ("MITAME_SERVE_MERGE", "maybe", "MITAME_SERVE_MERGE is 'maybe': write true or false"),
        ("MITAME_SERVE_WORKERS", "9" * 5_000, "MITAME_SERVE_WORKERS is '999"),
        ("MITAME_SERVE_WORKERS", "٣", "write a whole number"),
        ("MITAME_SERVE_GRACE_SECONDS", "nan", "MITAME_SERVE_GRACE_SECONDS is nan"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(name: str, text: str, message: str) -> None:
    """A misspelt variable does not go unnoticed, and a wrong value names it."""
    with pytest.raises(UsageError) as caught:
        read(variables={name: text})
    assert message in caught.value.line()
    assert len(caught.value.line()) < 300


def test_empty_variables_are_none_but_for_the_log() -> None:
    """Files of containers have them empty; an empty access log is the wish for none."""
    found = read(variables={"MITAME_SERVE_PORT": "", "MITAME_SERVE_ACCESS_LOG": ""}).config
    assert (found.port, found.access_log) == (8_000, "")


def test_gannoys_file_is_understood_with_gannoy(tmp_path: Path) -> None:
    """A TOML file of gannoy-db's, its port, and what counts more than it."""
    file = toml(tmp_path, 'data-dir = "/g"\nthread = 7\nmax-connections = 99\n')
    flag: dict[str, tuple[str, object]] = {"--gannoy": ("gannoy", True)}
    found = read(flag, {"MITAME_SERVE_THREADS": "3"}, file)
    assert (found.config.gannoy, found.config.port, found.config.threads) == (True, 1323, 3)
    assert (found.config.data, found.config.limits.connections) == (Path("/g"), 99)
    assert found.origins["port"] == "default of gannoy"
    assert read(flag, {"MITAME_SERVE_PORT": "80"}).config.port == 80
    assert read(variables={"MITAME_SERVE_GANNOY": "1"}).config.port == 1323
    assert read(file=toml(tmp_path, "gannoy = true\nport = 5")).config.port == 5
    off: dict[str, tuple[str, object]] = {"--gannoy": ("gannoy", False)}
    assert read(off, file=toml(tmp_path, "gannoy = true")).config.port == 8_000


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=50))
def test_no_text_gets_past_the_bounds(name: str, text: str) -> None:
    """Whatever a flag or variable says, it is a value within bounds, or refused."""
    setting = SETTINGS[name]
    try:
        value = from_text(setting, text, name)
    except UsageError:
        return
    if setting.kind in ("integer", "number"):
        assert isinstance(value, int | float)
        assert setting.lowest <= value <= setting.highest
    else:
        assert isinstance(value, str | Path | bool | tuple)


def test_every_number_has_bounds_that_its_default_keeps() -> None:
    """A new field can't be without a range, nor one of them without a field."""
    numbers = {n for n, s in SETTINGS.items() if s.kind in ("integer", "number")}
    assert {n for n in numbers if not SETTINGS[n].choices} == set(RANGES)
    plain = ServeConfig(Path())
    for name in RANGES:
        owner: ServeConfig | LimitsConfig = plain.limits if "." in name else plain
        value = getattr(owner, name.removeprefix("limits."))
        assert RANGES[name][0] <= value <= RANGES[name][1], name


def test_every_setting_is_documented() -> None:
    """docs/configuration.md names each setting with its variable and its default."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \|(.*)$", page, re.MULTILINE))
    assert set(rows) == set(SETTINGS)
    for name, row in rows.items():
        assert f"`{variable_of(name)}`" in row, name


def test_what_check_prints_is_a_file_that_means_the_same(tmp_path: Path) -> None:
    """`mitame serve --check` shows all values and origins, as TOML that can be given back."""
    words = [sys.executable, "-m", "mitame", "serve", "--check", "--data", str(tmp_path)]
    more = ["--workers", "3", "--set", "limits.body_mb=5", "--cors", "*", "--no-merge", "folder"]
    env = {**os.environ, "MITAME_SERVE_PORT": "81"}
    plain = subprocess.run([*words, *more], capture_output=True, text=True, env=env, check=True)
    table = tomllib.loads(plain.stdout)
    assert (table["workers"], table["limits"]["body_mb"], table["cors"]) == (3, 5, ["*"])
    assert re.search(r"^port = 81 +# MITAME_SERVE_PORT$", plain.stdout, re.MULTILINE)
    file = toml(tmp_path, plain.stdout)
    again = subprocess.run(
        [*words, "--config", str(file), "--json"], capture_output=True, text=True, check=True
    )
    told = json.loads(again.stdout)
    assert told["port"] == {"value": 81, "from": str(file)}
    assert (told["folders"]["value"], told["merge"]["value"]) == (["folder"], False)


def test_a_configuration_reaches_children_as_it_is() -> None:
    """Every field survives the way to another process."""
    config = ServeConfig(
        Path("/d"), cors=("*",), folders=("a", "b"), limits=LimitsConfig(body_mb=1.5), merge=False
    )
    assert from_json(to_json(config)) == config
    assert {f.name for f in dataclasses.fields(config)} >= {"limits", "pid_file"}
