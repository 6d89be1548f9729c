"""What a server says when it answers: where, what, who may ask, and how to begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mitame.collection.paths import list_collections
from mitame.config import ServeConfig

_SHOWN = 5


def greeting(config: ServeConfig, urls: Sequence[str], *, has_keys: bool) -> Iterator[str]:
    """Lines for people; the first ones say ``listening on`` an address.

    Args:
        config: of the service.
        urls: that it listens on.
        has_keys: whether a key is needed.
    """
    for url in urls:
        yield f"listening on {url}"
    yield f"serving {_collections(config)} of {config.data}"
    for folder in config.folders:
        yield f"indexing {folder} into {config.collection!r}, and following it"
    yield _keys(config, has_keys=has_keys)
    key = " -H 'Authorization: Bearer KEY'" if has_keys else ""
    url = urls[0].replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    path = "/databases" if config.gannoy else "/v1/collections"
    if config.page and not url.startswith("unix:"):
        yield f"the page: {url}/"
    if url.startswith("unix:"):
        yield f"try: curl{key} --unix-socket {url[5:]} http://localhost{path}"
    else:
        yield f"try: curl{key} {url}{path}"


def _collections(config: ServeConfig) -> str:
    names = list_collections(config.data)
    if not names:
        return "no collection yet"
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"{len(names):,} collection{'s' if len(names) > 1 else ''} ({shown})"


def _keys(config: ServeConfig, *, has_keys: bool) -> str:
    if has_keys:
        return "a key is needed: mitame keys list"
    if config.allow_open:
        return "no key is needed: everybody who reaches it can read and change all (--allow-open)"
    return "no key is needed: only this machine is answered (mitame keys add NAME to change that)"
