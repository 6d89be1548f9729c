"""``mitame keys``: add, list, rotate, remove."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.options import data_option, debug_option, json_option, print_json
from mitame.cli.telling import say, tell

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mitame.serving.callers.key_store import Key, KeyStore


@click.group("keys")
@debug_option
def keys_command() -> None:
    """Make, list, rotate and remove the keys of the HTTP service.

    A running server follows within a tenth of a second. What is kept of a key is its hash: it is
    shown once, when it is made.
    """


@keys_command.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["read", "write", "admin"]),
    default="read",
    show_default=True,
    help="The most that the key may do.",
)
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Reach this collection only; repeatable. [default: all]",
)
@data_option
@json_option
def add_command(
    name: str, role: str, collections: tuple[str, ...], data: Path, as_json: bool
) -> None:
    """Make a key and print it: the only time that it is shown."""
    from mitame.serving.callers.roles import Role

    with _opened(data) as store:
        secret = store.add(name, Role[role.upper()], collections or None)
    _show(name, secret, as_json=as_json)


@keys_command.command("list")
@data_option
@json_option
def list_command(data: Path, as_json: bool) -> None:
    """List names, roles and scopes; nobody can list the keys themselves."""
    with _opened(data) as store:
        rows = [_described(key) for key in store.all()]
    if as_json:
        print_json({"keys": rows})
        return
    for row in rows:
        scope = row["collections"]
        reach = "all collections" if scope is None else ", ".join(map(str, scope))
        tell(f"{row['name']:20}  {row['role']:5}  {row['created']}  {reach}")
    if not rows:
        say("no keys: without one the server answers this machine only")


@keys_command.command("rotate")
@click.argument("name")
@data_option
@json_option
def rotate_command(name: str, data: Path, as_json: bool) -> None:
    """Give a name a new key; the older one is refused from now on.

    To change a key without a moment in which clients are refused, add a second name, have the
    clients use its key, and remove the first.
    """
    with _opened(data) as store:
        secret = store.rotate(name)
    _show(name, secret, as_json=as_json)


@keys_command.command("remove")
@click.argument("name")
@data_option
@json_option
def remove_command(name: str, data: Path, as_json: bool) -> None:
    """Take a key away; it is refused from now on."""
    with _opened(data) as store:
        left = store.remove(name)
    if as_json:
        print_json({"removed": name, "left": left})
        return
    tell(f"removed key {name!r}")
    if not left:
        say("that was the last one: without a key the server answers this machine only")


def _opened(data: Path) -> AbstractContextManager[KeyStore]:
    from mitame.serving.callers.key_store import opened

    return opened(data)


def _show(name: str, secret: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "key": secret})
        return
    tell(secret)
    say(f"this is the key of {name!r}: keep it now, it can't be shown again")


def _described(key: Key) -> dict[str, str | list[str] | None]:
    return {
        "name": key.name,
        "role": key.role.word,
        "collections": None if key.collections is None else sorted(key.collections),
        "created": datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%d %H:%M"),
    }
