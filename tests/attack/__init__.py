"""Hostile loads on a real server and worker: memory, answers and others' latency stay bounded."""
