"""Where the time of a test run goes: a pytest plugin that records it and a command that reports it."""
