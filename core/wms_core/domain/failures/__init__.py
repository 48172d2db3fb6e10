"""Failed attempts, retries and dead letters."""
