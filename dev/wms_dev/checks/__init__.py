"""Checks of the code base for `make lint` and `make metrics`."""
