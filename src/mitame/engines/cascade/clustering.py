"""Principal axes and k-means, in blocks of matrix products; seeded, so that builds repeat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.shape import Floats

Numbers = NDArray[np.int64]

_BLOCK = 512
PER_CENTRE = 32
"""Points that k-means looks at for each centre."""
_ROUNDS = 4
_MANY_ROUNDS = 6
_FLAT = 4_096
"""Up to so many centres, each is compared with all points of the sample."""
_NEAR_ROOTS = 6


def axes_of(sample: Floats) -> tuple[Floats, Floats, Floats]:
    """The mean float32[d], the principal axes float32[d, d], and the share of energy of each.

    Args:
        sample: float32[n, d], some ten thousand rows; changed.
    """
    mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    sample -= mean
    covariance = sample.T @ sample
    values, vectors = np.linalg.eigh(covariance.astype(np.float64))
    energy = np.maximum(values[::-1], 0)
    shares = energy / max(float(energy.sum()), 1e-30)
    return mean, np.ascontiguousarray(vectors[:, ::-1].T, np.float32), shares.astype(np.float32)


def sampled(rows: Floats, most: int, seed: int) -> Floats:
    """At most so many rows, drawn without putting back, in their order; copied."""
    if len(rows) <= most:
        return np.array(rows, np.float32)
    return np.asarray(rows[sample_of(len(rows), most, seed)], np.float32)


def sample_of(count: int, most: int, seed: int) -> Numbers:
    """At most so many numbers from 0 to count - 1, drawn without putting back, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def k_means(points: Floats, count: int, seed: int, rounds: int = _ROUNDS) -> Floats:
    """Centres float32[count, w] of points float32[n, w]: Lloyd's algorithm on a sample."""
    if count >= len(points):
        return np.concatenate([points, points[:1].repeat(count - len(points), axis=0)])
    if count > _FLAT:
        return _in_two_steps(points, count, seed)
    rng = np.random.default_rng(seed)
    sample = sampled(points, count * PER_CENTRE, seed)
    centres = sample[rng.permutation(len(sample))[:count]]
    for _ in range(rounds):
        centres = _moved(sample, centres, nearest(sample, centres), rng)
    return centres


def _moved(sample: Floats, centres: Floats, owner: Numbers, rng: np.random.Generator) -> Floats:
    counts = np.bincount(owner, minlength=len(centres))
    order = np.argsort(owner, kind="stable")
    starts = np.minimum(np.cumsum(counts) - counts, len(sample) - 1)
    sums = np.add.reduceat(sample[order], starts, axis=0)
    some = counts > 0
    out = sample[rng.integers(len(sample), size=len(centres))]  # an empty one begins anew
    out[some] = sums[some] / counts[some, np.newaxis]
    return out


def _in_two_steps(points: Floats, count: int, seed: int) -> Floats:
    """Groups first, then centres within each, as many as it has points."""
    groups = k_means(points, max(2, int(np.sqrt(count))), seed)
    sample = sampled(points, count * PER_CENTRE, seed)
    owner = nearest(sample, groups)
    counts = np.bincount(owner, minlength=len(groups))
    shares = _shares(counts, count)
    parts = [
        k_means(sample[owner == group], share, seed + 1 + group, _MANY_ROUNDS)
        for group, share in enumerate(shares)
        if share
    ]
    return np.concatenate(parts)


def _shares(counts: Numbers, total: int) -> Numbers:
    """`total` divided in proportion to counts; nobody gets more than it counts, if it can be."""
    ideal = counts * (total / counts.sum())
    shares = np.floor(ideal).astype(np.int64)
    rest = total - int(shares.sum())
    shares[np.argsort(shares - ideal, kind="stable")[:rest]] += 1
    return np.asarray(shares, np.int64)


def nearest(points: Floats, centres: Floats) -> Numbers:
    """int64[n]: which of float32[c, w] is nearest to each of float32[n, w]."""
    halves = np.einsum("cw,cw->c", centres, centres) / 2
    out = np.empty(len(points), np.int64)
    for start in range(0, len(points), _BLOCK):
        part = points[start : start + _BLOCK]
        products = part @ centres.T
        out[start : start + len(part)] = np.subtract(halves, products, out=products).argmin(axis=1)
    return out


def nearest_by_roots(points: Floats, centres: Floats, roots: Floats, root_of: Numbers) -> Numbers:
    """`nearest`, looking only at the centres of roots near the point's own: for many centres."""
    owner = nearest(points, roots)
    apart = ((roots[:, np.newaxis] - roots) ** 2).sum(axis=2)
    near = np.argsort(apart, axis=1, kind="stable")[:, :_NEAR_ROOTS]
    out = np.empty(len(points), np.int64)
    for root in range(len(roots)):
        mine = np.flatnonzero(owner == root)
        few = np.flatnonzero(np.isin(root_of, near[root]))
        if len(mine):
            out[mine] = few[nearest(points[mine], centres[few])] if len(few) else 0
    return out
