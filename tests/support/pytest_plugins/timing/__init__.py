"""Time of test runs: a pytest plugin that records it, and a command that reports it."""
