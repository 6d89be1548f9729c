"""The product-page query: from the neighbour table, kept as bytes, answered at lookup speed."""
