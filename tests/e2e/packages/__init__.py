"""Each client package, installed from its archive into a clean environment."""
