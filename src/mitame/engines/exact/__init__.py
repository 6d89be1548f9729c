"""The exact engine: every row is looked at, so the answer is the true one.

A matrix product gives each row a key with an error that is known to be bounded. Every row whose
key could still be among the k lowest is kept and ranked again with `mitame.distances.exact`, so
that the answer depends neither on block sizes, threads or the stored copy that was scanned, nor
on the linear algebra library.
"""

from mitame.engines.exact.engine import ExactEngine, ExactIndex

__all__ = ["ExactEngine", "ExactIndex"]
