"""Other ways to write the same service, each in the best shape that is usual for it."""
