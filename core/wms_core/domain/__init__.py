"""Domain model: orders, events, stock, failures and workers. Standard library only, no I/O."""
