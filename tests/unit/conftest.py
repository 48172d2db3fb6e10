"""Hypothesis profile of the unit tests: without a deadline per example, as a busy machine is not an error."""

from hypothesis import settings

settings.register_profile("wms", deadline=None, print_blob=True)
settings.load_profile("wms")
