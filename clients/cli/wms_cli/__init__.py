"""`wms-orders` for operators: a client of the public API, and of nothing else."""
