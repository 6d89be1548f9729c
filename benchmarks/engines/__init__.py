"""Nearest-neighbour engines beside each other: ours and every library that can be installed."""
