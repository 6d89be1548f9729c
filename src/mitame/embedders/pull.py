"""Brings weights that no package carries into the cache directory, once."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mitame.embedders import inception_v3
from mitame.embedders.cache import CHUNK_BYTES, cache_directory, replacing
from mitame.errors import (
    FetchFailed,
    FetchRefused,
    InvalidModel,
    StorageError,
    UnknownEmbedder,
    WeightsNotFound,
)

MAX_BYTES = 512 << 20
SECONDS = 30.0

Stream = Callable[[str], AbstractContextManager[Iterator[bytes]]]


@dataclass(frozen=True)
class Official:
    """Published weights: address, hash algorithm and the hash's first digits in hex."""

    url: str
    algorithm: str
    digest: str


TORCHVISION = Official(
    "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth", "sha256", "0cc3c7bd"
)
KERAS = Official(
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "md5",
    "bcbd6486424b2319ff4ef7d526e38f63",
)
OFFICIAL = (TORCHVISION, KERAS)


def pull(
    name: str, *, source: str | None = None, cache: Path | None = None, stream: Stream | None = None
) -> Path:
    """Put the weights of an embedder into the cache directory.

    Args:
        name: ``inception-v3``.
        source: path of a ``.pth`` (torchvision) or ``.h5`` (Keras) file on this machine, or one of
            the addresses of `OFFICIAL`; the first of those when left out.
        cache: directory instead of the user's.
        stream: how an address is read, instead of over HTTPS.

    Returns:
        The file, complete and checked: what comes from an address by its published hash, what
        comes from a path by building the network from it.

    Raises:
        UnknownEmbedder: an embedder that needs no pulling, or no embedder at all.
        FetchRefused: an address that is not one of `OFFICIAL`.
        FetchFailed: the other side does not answer, or gives something else.
        WeightsNotFound: no file at the path.
        InvalidModel: the file holds other weights.
        StorageError: the cache can't be written.
    """
    if name != inception_v3.NAME:
        raise UnknownEmbedder(
            f"there is nothing to pull for {name!r}",
            remedy=f"only {inception_v3.NAME} has weights that are pulled",
        )
    directory = cache_directory(cache)
    source = TORCHVISION.url if source is None else source
    try:
        path = _take(source, directory, stream or https_stream)
        _drop_others(directory, path)
    except OSError as error:
        raise StorageError(f"{directory} can't be written ({error.strerror})") from error
    return path


def _take(source: str, directory: Path, stream: Stream) -> Path:
    if "://" not in source:
        return _copy(Path(source), directory)
    for official in OFFICIAL:
        if source == official.url:
            return _download(official, directory, stream)
    raise FetchRefused(
        f"{source[:200]!r} is not an official address of these weights",
        remedy=f"download the file yourself and give its path, or use {TORCHVISION.url}",
    )


def _download(official: Official, directory: Path, stream: Stream) -> Path:
    target = inception_v3.weights_path(directory, Path(official.url).suffix)
    digest = hashlib.new(official.algorithm, usedforsecurity=False)
    with replacing(target) as file, stream(official.url) as chunks:
        for chunk in limited(chunks):
            digest.update(chunk)
            file.write(chunk)
        if not digest.hexdigest().startswith(official.digest):
            raise FetchFailed(
                f"what {official.url} gave has the {official.algorithm} {digest.hexdigest()}, "
                f"not {official.digest}",
                remedy="try again, or give the path of a file that you trust",
            )
    return target


def _copy(path: Path, directory: Path) -> Path:
    if not path.is_file():
        raise WeightsNotFound(f"there is no file {path}", remedy="check the path")
    if path.suffix not in inception_v3.LICENCES:
        raise InvalidModel(f"{path.name} is neither .pth nor .h5")
    if path.stat().st_size > MAX_BYTES:
        raise InvalidModel(f"{path.name} has over {MAX_BYTES >> 20} MiB")
    inception_v3.build_from_file(path)
    target = inception_v3.weights_path(directory, path.suffix)
    if target.exists() and target.samefile(path):
        return target
    with path.open("rb") as source, replacing(target) as file:
        for chunk in limited(iter(lambda: source.read(CHUNK_BYTES), b"")):
            file.write(chunk)
    return target


def _drop_others(directory: Path, kept: Path) -> None:
    """One embedder has one set of weights: the last pulled."""
    for suffix in inception_v3.LICENCES:
        path = inception_v3.weights_path(directory, suffix)
        if path != kept:
            path.unlink(missing_ok=True)


def limited(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, as long as they stay below the limit.

    Raises:
        FetchFailed: more bytes than any weights here have.
    """
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BYTES:
            raise FetchFailed(f"more than {MAX_BYTES >> 20} MiB came", remedy="check the address")
        yield chunk


@contextlib.contextmanager
def https_stream(url: str, *, pool: Any = None) -> Iterator[Iterator[bytes]]:
    """The body at an HTTPS address, in chunks; no redirect is followed.

    Args:
        url: begins with ``https://``.
        pool: an `httpcore.ConnectionPool` instead of a new one.

    Raises:
        FetchRefused: another scheme.
        FetchFailed: no answer, or not 200.
    """
    import httpcore  # 50 ms that a program which pulls nothing saves

    if not url.startswith("https://"):
        raise FetchRefused(f"{url[:200]!r} does not begin with https://", remedy="use https")
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
    failures = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
    try:
        with contextlib.ExitStack() as stack:
            if pool is None:
                context = ssl.create_default_context()
                pool = stack.enter_context(httpcore.ConnectionPool(ssl_context=context))
            extensions = {"timeout": timeout}
            response = stack.enter_context(pool.stream("GET", url, extensions=extensions))
            if response.status != 200:
                raise FetchFailed(f"{url} answers with status {response.status}")
            yield response.iter_stream()
    except failures as error:
        raise FetchFailed(
            f"{url} can't be read ({type(error).__name__})",
            remedy="check the network, or download the file yourself and give its path",
        ) from error
