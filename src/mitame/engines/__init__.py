"""Engines: algorithms that build an index over vectors. See `protocol` and `catalog`."""
