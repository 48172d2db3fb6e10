"""Hostile loads on a real server and worker. Memory, responses and other callers' latency stay bounded."""
