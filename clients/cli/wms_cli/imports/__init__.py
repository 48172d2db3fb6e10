"""`wms-orders import`: the orders of a file, each once, however often it is begun again."""
