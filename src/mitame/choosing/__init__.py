"""Which engine a lens is searched with: measured on its own vectors, picked by a stated wish."""
