"""What is done with one picture on a thread: decoded, cut out, prepared, embedded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection import ItemImage
from mitame.embedders.protocol import Embedder
from mitame.images.decode import Decoded, decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.images.region import Region, cropped, side_for
from mitame.serving.seeing.metrics import Metrics


@dataclass
class Worked:
    """A picture on its way.

    Attributes:
        size: bytes of its file.
        content_hash: of them.
        decoded: its pixels, perhaps scaled down.
        vectors: float32[dim] by name, of the embedders that take one picture at a time.
        prepared: by name, for those that want batches.
    """

    size: int
    content_hash: str
    decoded: Decoded
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    prepared: dict[str, NDArray[Any]] = field(default_factory=dict)

    def image(self, source: str | None) -> ItemImage:
        """As an image of an item; `source` is the URL that it came from."""
        return ItemImage(
            vectors=self.vectors,
            content_hash=self.content_hash,
            source=source,
            size=self.size,
            width=self.decoded.width,
            height=self.decoded.height,
            format=self.decoded.format,
        )


def work(
    data: bytes,
    embedders: Mapping[str, Embedder],
    limits: ImageLimits,
    region: Region | None,
    metrics: Metrics,
) -> Worked:
    """Decode and prepare a picture, and embed it where one at a time is quickest.

    Args:
        data: the file's bytes.
        embedders: by name.
        limits: bounds on bytes and pixels.
        region: the box that is looked at; all of the picture where None.
        metrics: that are told how long it took.

    Raises:
        ImageError: it can't be used.
    """
    side = max(embedder.decode_side for embedder in embedders.values())
    wanted = side if region is None else side_for(side, region)
    with metrics.stage("decode"):
        decoded = decode(data, limits=limits, min_side=wanted)
    done = Worked(len(data), content_hash(data), decoded)
    pixels = decoded.pixels if region is None else cropped(decoded.pixels, region)
    for name, embedder in embedders.items():
        prepared = embedder.prepare(pixels)
        if embedder.batch_size > 1:
            done.prepared[name] = prepared
        else:
            with metrics.stage("embed"):
                done.vectors[name] = embedder.embed([prepared])[0]
    return done
