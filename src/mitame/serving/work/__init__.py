"""Work outside of an answer: jobs, the runner that does them, followed folders, upkeep."""
