"""Orders per second of the fulfillment, compared with the bare status update, including Postgres."""
