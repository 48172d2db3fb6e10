"""What the service does with a transaction: one module per service, and the ports that storage fills."""
