"""Use cases: one module per service, and the interfaces that the database implements."""
