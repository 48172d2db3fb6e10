"""How hypothesis searches here: no deadline per example, since a busy machine is no fault of the code."""

from hypothesis import settings

settings.register_profile("wms", deadline=None, print_blob=True)
settings.load_profile("wms")
