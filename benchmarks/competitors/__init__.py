"""Other implementations of the service, each in the best usual style of its framework."""
