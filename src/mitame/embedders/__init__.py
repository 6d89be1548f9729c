"""Pixels to vectors: the protocol, the catalogue, and one file for each kind of embedder."""
