"""What others test their own parts with: laws as test classes to inherit, and a disk that fails.

| module | tests |
|---|---|
| `engines` | an engine, by `EngineConformance` |
| `embedders` | an embedder, by `EmbedderConformance` |
| `directories` | a place to store in, by `DirectoryConformance` |
| `faults` | what survives power cuts, torn writes, failing calls and a full disk |

It ships with the package and needs nothing beyond what mitame itself needs.
"""
