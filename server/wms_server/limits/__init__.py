"""Limits that are checked before work begins: sizes of requests, memory, and waiting calls."""
