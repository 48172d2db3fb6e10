"""`wms-orders import`: create the orders of a file, each exactly once, with checkpoints."""
