"""Defaults, then a TOML file, then the environment, then flags: the later one counts."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mitame.config import LimitsConfig, ServeConfig
from mitame.configuring.settings import FILE_VARIABLE, PREFIX, SETTINGS, variable_of
from mitame.configuring.values import Value, checked, from_text
from mitame.errors import UsageError

Translate: TypeAlias = Callable[[Mapping[str, object]], dict[str, object]]
Flags: TypeAlias = Mapping[str, tuple[str, object]]
DEFAULT = "default"
_MOST_BYTES = 1_000_000
# Children of the server find theirs in it, and a person may well think that it names the file.
_HANDED = "MITAME_SERVE_CONFIG"


@dataclass(frozen=True)
class Configured:
    """A configuration, and where each of its values came from.

    Attributes:
        config: the configuration.
        origins: by a setting's name: a flag, a variable, a file, or ``default``.
    """

    config: ServeConfig
    origins: Mapping[str, str]


@dataclass
class _Layers:
    """Values that were given so far; a later one replaces an earlier one."""

    values: dict[str, Value] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: Value, origin: str) -> None:
        self.values[name] = value
        self.origins[name] = origin


def read_configuration(
    flags: Flags,
    variables: Mapping[str, str],
    *,
    file: Path | None = None,
    default_data: Callable[[], Path],
    gannoy: Translate,
) -> Configured:
    """Put a configuration together.

    Args:
        flags: by the flag as it is written, the setting's name, and its text or value.
        variables: of the environment.
        file: TOML; where None, the one that ``MITAME_CONFIG`` names, if any.
        default_data: makes the data directory's path where nobody has named one.
        gannoy: turns a table with keys of gannoy's into one of settings.

    Raises:
        UsageError: an unknown key or variable, or a value that can't be one.
    """
    layers = _Layers()
    path = file or (Path(variables[FILE_VARIABLE]) if variables.get(FILE_VARIABLE) else None)
    table = {} if path is None else _table(path)
    _check_variables(variables)
    if _is_gannoy(flags, variables, table):
        layers.put("port", _own(gannoy({}), "port"), f"{DEFAULT} of gannoy")
        table = _translated(gannoy, table)
    _add_table(layers, table, str(path), gannoy)
    _add_variables(layers, variables)
    _add_flags(layers, flags)
    if "data" not in layers.values:
        layers.put("data", default_data(), DEFAULT)
    return Configured(_made(layers.values), _all_origins(layers.origins))


def _own(table: Mapping[str, object], name: str) -> Value:
    return checked(SETTINGS[name], table[name], name)


def _is_gannoy(flags: Flags, variables: Mapping[str, str], table: Mapping[str, object]) -> bool:
    """What the last one says that says anything; it decides how the file is read."""
    for name, value in flags.values():
        if name == "gannoy":
            return bool(value)
    text = variables.get(variable_of("gannoy"))
    if text:
        return bool(from_text(SETTINGS["gannoy"], text, variable_of("gannoy")))
    return table.get("gannoy") is True


def _translated(gannoy: Translate, table: Mapping[str, object]) -> dict[str, object]:
    """The table in our words; without what gannoy's defaults add to it."""
    found = gannoy(table)
    added = [name for name in ("gannoy", "port") if name not in table]
    return {name: value for name, value in found.items() if name not in added}


def _table(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{path} can't be read: {reason}", remedy="check --config and " + FILE_VARIABLE
        ) from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{path} has more than {_MOST_BYTES:,} bytes", remedy="is it the file?")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}", remedy="mend it there") from error


def _add_table(layers: _Layers, table: Mapping[str, object], path: str, gannoy: Translate) -> None:
    for name, value in _flat(table, path).items():
        setting = SETTINGS.get(name)
        if setting is None:
            remedy = "say --gannoy" if _is_gannoys(gannoy, name) else _known(name)
            raise UsageError(f"{path} has an unknown key {name[:80]!r}", remedy=remedy)
        layers.put(name, checked(setting, value, f"{name} in {path}"), path)


def _flat(table: Mapping[str, object], path: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        if name != "limits":
            found[name] = value
        elif isinstance(value, Mapping):
            found |= {f"limits.{each}": what for each, what in value.items()}
        else:
            raise UsageError(f"limits in {path} is no table", remedy="write it as [limits]")
    return found


def _check_variables(variables: Mapping[str, str]) -> None:
    known = {variable_of(name) for name in SETTINGS}
    for name in sorted(variables):
        if name.startswith(PREFIX) and name not in known:
            near = FILE_VARIABLE if name == _HANDED else _nearest(name, known)
            remedy = f"did you mean {near}?" if near else f"known ones: {PREFIX}PORT and so on"
            raise UsageError(f"the environment has an unknown variable {name[:80]}", remedy=remedy)


def _add_variables(layers: _Layers, variables: Mapping[str, str]) -> None:
    for name, setting in SETTINGS.items():
        variable = variable_of(name)
        text = variables.get(variable)
        # An empty one is none, as files of services like to have it; but no access log is a wish.
        if text or (text == "" and name == "access_log"):
            layers.put(name, from_text(setting, text, variable), variable)


def _add_flags(layers: _Layers, flags: Flags) -> None:
    for flag, (name, value) in flags.items():
        setting = SETTINGS.get(name)
        if setting is None:
            raise UsageError(f"{flag} is an unknown setting", remedy=_known(name))
        if isinstance(value, str):
            layers.put(name, from_text(setting, value, flag), flag)
        else:
            layers.put(name, checked(setting, value, flag), flag)


def _is_gannoys(gannoy: Translate, name: str) -> bool:
    """Whether it is a key of gannoy's, which are read with --gannoy only."""
    try:
        return name not in gannoy({name: ""})
    except UsageError:
        return True


def _known(name: str) -> str:
    near = _nearest(name.replace("-", "_"), SETTINGS)
    return f"did you mean {near}?" if near else f"known ones: {', '.join(SETTINGS)}"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name[:80], list(known), 1, 0.6)), None)


def _made(values: Mapping[str, Any]) -> ServeConfig:
    limits = {n.removeprefix("limits."): v for n, v in values.items() if n.startswith("limits.")}
    own = {name: value for name, value in values.items() if not name.startswith("limits.")}
    return ServeConfig(**own, limits=LimitsConfig(**limits))


def _all_origins(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(name, DEFAULT) for name in SETTINGS}
