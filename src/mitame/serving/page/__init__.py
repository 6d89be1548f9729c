"""The page: static files that a browser makes a program of, and nothing else of their own."""
