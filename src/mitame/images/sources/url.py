"""Pictures at URLs as a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from mitame.errors import FetchRefused, InvalidId
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.addresses import Resolver, parse_url
from mitame.images.sources.files import absolute, regular
from mitame.images.sources.lines import read_lines
from mitame.images.sources.names import check_name

__all__ = ["UrlFile", "UrlListSource", "fetch", "url_candidate"]


def fetch(
    url: str,
    *,
    allow_private: bool = False,
    max_bytes: int = DEFAULT_LIMITS.max_bytes,
    timeout_s: float = DEFAULT_LIMITS.fetch_seconds,
    max_redirects: int = DEFAULT_LIMITS.max_redirects,
    resolve: Resolver | None = None,
) -> bytes:
    """The body of a GET.

    Every address that the host's name resolves to must be public, of every redirect too, and the
    connection goes to an address that was checked. Proxies of the environment are not used.

    Args:
        url: http or https, without user name and password.
        allow_private: ask any address, such as one in your own network.
        max_bytes: of the body.
        timeout_s: for all of it: resolving, connecting, redirects, body.
        max_redirects: hops that are followed.
        resolve: host and port to numeric addresses; the system's resolver when left out.

    Raises:
        FetchRefused: an address, scheme or redirect that must not be followed.
        FetchFailed: no answer in time, a status other than 200, or a broken one.
        ImageTooLarge: more than `max_bytes`; no more than that is read.
    """
    # the HTTP client takes 50 ms to import, and most sources do without
    from mitame.images.sources.fetching import Client

    client = Client(url, allow_private=allow_private, seconds=timeout_s, resolve=resolve)
    return client.get(max_bytes=max_bytes, max_redirects=max_redirects)


class UrlListSource:
    """Pictures at URLs, in the order given; an item's id is its URL.

    Args:
        urls: http(s) URLs; walked anew by each iteration.
        allow_private: ask addresses of private networks too.
        limits: bytes, seconds and redirects of one fetch.
        root: what `root` says.
    """

    def __init__(
        self,
        urls: Iterable[str],
        *,
        allow_private: bool = False,
        limits: ImageLimits = DEFAULT_LIMITS,
        root: str = "urls!",
    ) -> None:
        self._urls = urls
        self._allow_private = allow_private
        self._limits = limits
        self._root = root

    @property
    def root(self) -> str:
        """No location starts with it: a URL that left the list is not known to be gone."""
        return self._root

    @property
    def countable(self) -> bool:
        """True for a list or a file of URLs, which can be walked twice."""
        return not isinstance(self._urls, Iterator)

    def __iter__(self) -> Iterator[Candidate | Refused]:
        for url in self._urls:
            yield url_candidate(url, url, allow_private=self._allow_private, limits=self._limits)


def url_candidate(
    url: str, name: str, *, allow_private: bool, limits: ImageLimits
) -> Candidate | Refused:
    """A picture at a URL on offer under the id `name`; nothing is asked before it is read."""
    try:
        check_name(name)
        parse_url(url)
    except (InvalidId, FetchRefused) as error:
        return Refused(url[:1000].encode("utf-8", "backslashreplace").decode(), error)
    read = partial(
        fetch,
        url,
        allow_private=allow_private,
        max_bytes=limits.max_bytes,
        timeout_s=limits.fetch_seconds,
        max_redirects=limits.max_redirects,
    )
    return Candidate(id=name, location=url, read=read)


class UrlFile:
    """The URLs of a text file, one a line; empty lines and those that start with # are left out.

    Raises:
        UnreadableFile: missing, or not a regular file.
    """

    def __init__(self, path: str | Path, *, limits: ImageLimits = DEFAULT_LIMITS) -> None:
        self.path = absolute(path)
        self._limits = limits
        regular(self.path)

    def __iter__(self) -> Iterator[str]:
        for _, line in read_lines(self.path, self._limits):
            text = line.strip()
            if text and not text.startswith("#"):
                yield text
