"""One fulfillment cycle: waves, allocation, carrier moves and failures, in fenced batches."""
