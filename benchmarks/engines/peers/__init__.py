"""One file per library, called as its own documentation calls it; none goes through mitame."""
