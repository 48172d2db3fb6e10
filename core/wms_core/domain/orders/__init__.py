"""Orders: status, lifecycle, changes, intake and backorders."""
