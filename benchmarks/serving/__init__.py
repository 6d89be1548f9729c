"""How fast the service answers, beside the same server answering a constant."""
