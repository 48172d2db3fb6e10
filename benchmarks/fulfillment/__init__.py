"""How many orders a second the service fulfils, beside the bare status update, Postgres included."""
