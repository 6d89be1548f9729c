"""Bytes to RGB pixels under limits, fingerprints of pictures, and the sources they come from."""
