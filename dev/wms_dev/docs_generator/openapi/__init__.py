"""Generates docs/reference/openapi.json, the HTTP API, from the protos that the server uses."""
