"""What can be done with an open collection, by kind; `mitame.Collection` is all of it."""
