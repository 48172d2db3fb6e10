"""Metrics, health endpoints and the status of a replica."""
